// Drawing: each function turns data into elements and knows of no request and no state.

/** An element with attributes and children; text goes in as text, never as markup. */
function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

const grouped = (count) => count.toLocaleString("en-US");
const counted = (count) => `${grouped(count)} ${count === 1 ? "digit" : "digits"}`;

/** A part as a percentage; 100 only where it is exactly that. */
function percent(part, digits = 1) {
  const text = (100 * part).toFixed(digits);
  const full = (100).toFixed(digits);
  const figure = part < 1 && text === full ? (100 - 10 ** -digits).toFixed(digits) : text;
  return `${figure}\u00a0%`; // never broken between lines
}

/** Copies one picture of the sprite onto a canvas of its own size; CSS scales it up. */
function paint(canvas, picture) {
  const { sheet, side, column, row } = picture;
  canvas.width = canvas.height = side;
  const context = canvas.getContext("2d");
  context.drawImage(sheet, column * side, row * side, side, side, 0, 0, side, side);
}

/** One digit of the grid: the picture, what it is and was taken for, how sure the net was. */
function tile(item, labels) {
  const [truth, predicted] = [labels[item.truth], labels[item.predicted]];
  const sure = percent(item.probabilities[item.predicted]);
  const canvas = make("canvas", { "aria-hidden": "true" });
  paint(canvas, item.picture);
  const verdict = make("span", { class: "verdict" }, `${truth} → ${predicted}`);
  const button = make(
    "button",
    { type: "button", class: "tile", tabindex: -1, "data-index": item.index },
    canvas, verdict, make("span", { class: "sure" }, sure),
  );
  button.setAttribute("aria-label", `${truth} read as ${predicted}, ${sure} sure`);
  return button;
}

/** A row of bars' four cells: label, note, track with the filled part, figure. */
function bar({ label, note = "", part, fill = part, name, tone = "" }) {
  const value = (100 * part).toFixed(1);
  const filled = make("span", { class: `fill ${tone}` });
  filled.style.width = `${100 * Math.min(1, Math.max(0, fill))}%`;
  const meter = { role: "meter", "aria-label": name, "aria-valuemin": 0, "aria-valuemax": 100 };
  return [
    make("span", { class: "label" }, label),
    make("span", { class: "note" }, note),
    make("span", { class: "bar", ...meter, "aria-valuenow": value }, filled),
    make("span", { class: "figure" }, percent(part)),
  ];
}

/** Accuracy of each class, the bars beginning at `floor`. */
function classBars(summary) {
  const { labels, per_class: parts, floor } = summary;
  return parts.flatMap((part, index) =>
    part === null
      ? [make("span", { class: "label" }, labels[index]), make("span", { class: "none" }, "none here")]
      : bar({
          label: labels[index],
          part,
          fill: (part - floor) / (1 - floor),
          name: `accuracy of ${labels[index]}`,
        }),
  );
}

/** The ten probabilities of a digit, in the classes' own order. */
function probabilityBars(item, labels) {
  return item.probabilities.flatMap((part, index) => {
    const truth = index === item.truth;
    const read = index === item.predicted;
    const note = [read && "read", truth && "true"].filter(Boolean).join(", ");
    const tone = read ? "" : truth ? "truth" : "other";
    return bar({ label: labels[index], note, part, name: `digit ${labels[index]}`, tone });
  });
}

/** The facts beside a digit, as a list of terms. */
function facts(item) {
  return [
    ["Confidence", percent(item.probabilities[item.predicted]), "what it gave its own answer"],
    ["Loss", item.loss.toFixed(2), "−ln of what it gave the true digit"],
    ["Number", grouped(item.index), ""],
  ].flatMap(([term, value, why]) => [
    make("dt", {}, term), make("dd", {}, value, ...(why ? [make("small", {}, why)] : [])),
  ]);
}

/** The confusion matrix: a button a cell; row and column heads choose all their mistakes. */
function matrixRows(summary) {
  const { confusion, labels } = summary;
  const most = Math.max(1, ...confusion.flatMap((row, i) => row.filter((_, j) => i !== j)));
  const wide = labels.some((label) => label.length > 2);
  const head = make("tr", {}, make("td", { class: "corner" }, "read →\ntrue ↓"));
  const columnSums = labels.map((_, j) => confusion.reduce((sum, row, i) => sum + (i === j ? 0 : row[j]), 0));
  labels.forEach((label, j) => {
    const button = cell(label, `taken for ${label}: ${counted(columnSums[j])}`, { predicted: j }, columnSums[j]);
    head.append(make("th", { scope: "col", class: wide ? "wide" : "" }, button));
  });
  const rows = confusion.map((counts, i) => {
    const wrong = counts.reduce((sum, count, j) => sum + (i === j ? 0 : count), 0);
    const button = cell(labels[i], `mistakes with ${labels[i]}: ${counted(wrong)}`, { truth: i }, wrong);
    const row = make("tr", {}, make("th", { scope: "row" }, button));
    counts.forEach((count, j) => {
      const right = i === j;
      const name = right
        ? `${labels[i]} read right: ${counted(count)}`
        : `${labels[i]} read as ${labels[j]}: ${counted(count)}`;
      const wanted = right ? { truth: i, right: true } : { truth: i, predicted: j };
      const inner = cell(count ? String(count) : "", name, wanted, count);
      // The square root keeps single mistakes visible beside a cell of many.
      if (!right && count) inner.style.setProperty("--share", Math.sqrt(count / most).toFixed(3));
      row.append(make("td", { class: right ? "right" : count ? "wrong" : "" }, inner));
    });
    return row;
  });
  return [make("thead", {}, head), make("tbody", {}, ...rows)];
}

function cell(text, name, wanted, count) {
  const button = make("button", { type: "button", tabindex: -1, "aria-label": name }, text);
  button.title = name;
  button.dataset.wanted = JSON.stringify({ truth: null, predicted: null, right: false, ...wanted });
  if (count) button.setAttribute("aria-pressed", "false");
  else button.setAttribute("aria-disabled", "true");
  return button;
}

/** Arrow keys move among the buttons as they lie on the page; Tab enters and leaves once. */
function roving(container) {
  const middle = (button) => {
    const box = button.getBoundingClientRect();
    return { button, x: box.left + box.width / 2, y: box.top + box.height / 2 };
  };
  container.addEventListener("focusin", (event) => {
    for (const button of container.querySelectorAll("button")) button.tabIndex = -1;
    event.target.tabIndex = 0;
  });
  container.addEventListener("keydown", (event) => {
    const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [0, 0];
    if (!dx && !dy) return;
    event.preventDefault();
    const here = middle(event.target);
    const ahead = [...container.querySelectorAll("button")].map(middle).filter((other) =>
      dx ? Math.abs(other.y - here.y) < 6 && dx * (other.x - here.x) > 1 : dy * (other.y - here.y) > 6,
    );
    const distance = (other) => dx ? Math.abs(other.x - here.x) : 10 * Math.abs(other.y - here.y) + Math.abs(other.x - here.x);
    ahead.sort((a, b) => distance(a) - distance(b));
    ahead[0]?.button.focus();
  });
}
