// Pictures that the server draws: 16 samples, and the channels of one image with their pixels'
// values. Both come in a dialog of their own, fit into it, and can be saved.

let drawings = 0; // numbers what is asked for: only the last one's answer counts

/** Has a picture drawn and shows it; `about` and `name` make texts and a file name of the answer. */
async function showDrawn(title, wanted, about, name) {
  const drawn = find(".drawn");
  const picture = find(".drawn img");
  const number = ++drawings;
  const tell = (state, text) => {
    drawn.dataset.state = state;
    find(".drawn .note").textContent = text;
    disable(find(".drawn .again"), state === "busy");
  };
  tell("busy", t("Drawing the picture…"));
  if (!drawn.open) {
    find(".drawn h3").textContent = title;
    drawn.setAttribute("aria-label", title);
    find(".drawn .again").hidden = wanted.what !== "samples";
    picture.hidden = find(".drawn .save").hidden = true;
    enlarge(false);
    drawn.showModal();
  }
  const answer = await server
    .figure_of({ choice: summary.choice, ...wanted })
    .catch(() => ({ error: t("the server does not answer; try again in a moment") }));
  if (number !== drawings) return;
  if (answer.error) return tell("error", sentence(answer.error));
  const bytes = Uint8Array.from(atob(answer.png), (letter) => letter.charCodeAt(0));
  URL.revokeObjectURL(picture.src);
  const link = find(".drawn .save");
  link.href = picture.src = URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
  link.download = name;
  picture.width = answer.width;
  const { note, alt } = about(answer);
  picture.alt = alt;
  await picture.decode();
  if (number !== drawings) return;
  picture.hidden = link.hidden = false;
  // What is not much higher than wide is shown whole; the rest is scrolled.
  const ratio = picture.naturalWidth / picture.naturalHeight;
  picture.style.setProperty("--ratio", ratio > 0.8 ? ratio : 9);
  tell("ready", note);
  measure();
}

function showSamples() {
  const of = summary;
  const count = counted(Math.min(16, of.total));
  const narrow = window.matchMedia("(max-width: 640px)").matches;
  const about = ({ answers }) => {
    const right = answers.filter(([said, true_]) => said === true_).length;
    const list = answers.map(([said, true_]) => `${of.labels[said]} (${of.labels[true_]})`).join(t(", "));
    return {
      note: t("{right} of {count} right. Titles say predicted (true): green is right, red is wrong.", { right, count: answers.length }),
      alt: t("{count}, each with predicted (true): {list}", { count, list }),
    };
  };
  return showDrawn(t("{count} at random", { count }), { what: "samples", narrow }, about, "samples.png");
}

function showChannels({ index, truth }) {
  const title = t("Pixel values: {name}", { name: summary.labels[truth] });
  const note = summary.noun === "digits"
    ? t("What the net is given: a number for each pixel, from 0 (black) to 1 (white).")
    : t("What the net is given: red, green and blue, one below the other, a number for each pixel from 0 (none) to 1 (all).");
  return showDrawn(title, { what: "channels", index }, () => ({ note, alt: `${title}. ${note}` }), `pixels-${index}.png`);
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
  onButton(".drawn .full-size", (button) => enlarge(button.getAttribute("aria-pressed") !== "true"));
  onButton(".drawn .close", () => drawn.close());
  find(".details .pixels").addEventListener("click", () => showChannels(items[open]));
  drawn.addEventListener("click", (event) => event.target === drawn && drawn.close());
  drawn.addEventListener("close", () => ++drawings);
  new ResizeObserver(measure).observe(find(".drawn .sheet"));
}
