// Pictures that the server draws: 16 samples, and the channels of one image with their pixels'
// values. Both come in a dialog of their own, fit into it, and can be saved.

let drawings = 0; // numbers what is asked for: only the last one's answer counts

/** Has a picture drawn and shows it; `about` makes texts of the answer, `size` is known before. */
async function showDrawn(title, wanted, about, name, size) {
  const drawn = find(".drawn");
  const picture = find(".drawn img");
  const number = ++drawings;
  const tell = (state, text) => {
    drawn.dataset.state = state;
    find(".drawn .note").textContent = text;
    disable(find(".drawn .again"), state === "busy");
  };
  tell("busy", t("Drawing the picture…"));
  find(".drawn h3").textContent = title;
  drawn.setAttribute("aria-label", title);
  if (!drawn.open) {
    find(".drawn .again").hidden = find(".drawn .only-wrong").hidden = wanted.what !== "samples";
    setSize(size.width, size.height);
    picture.hidden = find(".drawn .save").hidden = true;
    enlarge(false);
    drawn.showModal();
  }
  const answer = await callOrSay("figure_of", { choice: summary.choice, ...wanted });
  if (number !== drawings) return;
  if (answer.unread) {
    drawn.close();
    return lookAnew();
  }
  if (answer.error) return tell("error", sentence(answer.error));
  const link = find(".drawn .save");
  for (const address of [picture.src, link.href]) URL.revokeObjectURL(address);
  picture.src = URL.createObjectURL(blob(answer.shown ?? answer.png));
  link.href = URL.createObjectURL(blob(answer.png));
  link.download = name;
  picture.width = answer.width;
  const { note, alt } = about(answer);
  picture.alt = alt;
  await picture.decode();
  if (number !== drawings) return;
  picture.hidden = link.hidden = false;
  setSize(picture.naturalWidth, picture.naturalHeight);
  tell("ready", note);
  measure();
}

const blob = (base64) => new Blob([bytesOf(base64)], { type: "image/png" });

/** What is not much higher than wide is shown whole; the rest is scrolled. */
function setSize(width, height) {
  const ratio = width / height;
  const values = { "--width": width, "--height": height, "--ratio": ratio > 0.8 ? ratio : 9 };
  for (const [name, value] of Object.entries(values)) find(".drawn").style.setProperty(name, value);
}

const onlyWrong = () => find(".drawn .only-wrong").getAttribute("aria-pressed") === "true";

function showSamples() {
  const of = summary;
  disable(find(".drawn .only-wrong"), of.wrong === 0);
  if (of.wrong === 0) find(".drawn .only-wrong").setAttribute("aria-pressed", "false");
  const number = Math.min(16, onlyWrong() ? of.wrong : of.total);
  const count = counted(number);
  const narrow = window.matchMedia("(max-width: 640px)").matches;
  const dark = document.body.classList.contains("dark");
  const wanted = { what: "samples", narrow, dark, wrong: onlyWrong() };
  const about = ({ answers }) => {
    const right = answers.filter(([said, true_]) => said === true_).length;
    const list = answers.map(([said, true_]) => `${of.labels[said]} (${of.labels[true_]})`).join(t(", "));
    return {
      note: t("{right} of {count} right. Titles say predicted (true): green is right, red is wrong.", { right, count: answers.length }),
      alt: t("{count}, each with predicted (true): {list}", { count, list }),
    };
  };
  const title = onlyWrong() ? t("Mistakes: {count} at random", { count }) : t("{count} at random", { count });
  return showDrawn(title, wanted, about, "samples.png", sizeOfSamples(number, narrow, of.labels));
}

/** As gallery_pictures.py lays them out. */
function sizeOfSamples(number, narrow, labels) {
  const longest = Math.max(...labels.map((label) => Math.min(14, label.length)));
  const columns = Math.min(number, narrow ? (longest <= 3 ? 4 : 2) : 8);
  const cell = Math.max(1.3, 0.16 * longest); // inches
  return { width: 96 * columns * cell, height: 96 * Math.ceil(number / columns) * (cell + 0.28) };
}

function showChannels({ index, truth }) {
  const title = t("Pixel values: {name}", { name: summary.labels[truth] });
  const isGrey = summary.noun === "digits";
  const width = 24 * items[open].picture.side;
  const size = { width, height: isGrey ? width : 3.1 * width };
  const note = isGrey
    ? t("What the net is given: a number for each pixel, from 0 (black) to 1 (white).")
    : t("What the net is given: red, green and blue, one below the other, a number for each pixel from 0 (none) to 1 (all).");
  return showDrawn(title, { what: "channels", index }, () => ({ note, alt: `${title}. ${note}` }), `pixels-${index}.png`, size);
}

/** The picture as large as there is room for, or in its own size, to be scrolled. */
function enlarge(on) {
  find(".drawn .sheet").classList.toggle("full", on);
  find(".drawn .full-size").setAttribute("aria-pressed", String(on));
}

/** Offers the full size where that is larger than what there is room for. */
function measure() {
  const picture = find(".drawn img");
  const button = find(".drawn .full-size");
  if (button.getAttribute("aria-pressed") === "true") return;
  button.hidden = picture.hidden || picture.clientWidth >= picture.getAttribute("width") - 1;
}

function wireDrawn() {
  const drawn = find(".drawn");
  find(".sampling").addEventListener("click", showSamples);
  onButton(".drawn .again", showSamples);
  onButton(".drawn .only-wrong", (button) => {
    button.setAttribute("aria-pressed", String(!onlyWrong()));
    showSamples();
  });
  onButton(".drawn .full-size", (button) => enlarge(button.getAttribute("aria-pressed") !== "true"));
  onButton(".drawn .close", () => drawn.close());
  find(".details .pixels").addEventListener("click", () => showChannels(items[open]));
  drawn.addEventListener("click", (event) => event.target === drawn && drawn.close());
  drawn.addEventListener("close", () => ++drawings);
  new ResizeObserver(measure).observe(find(".drawn .sheet"));
}
