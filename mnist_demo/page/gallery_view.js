// Drawing: each function turns data into elements and knows of no request and no state.

/** An element with attributes and children; text goes in as text, never as markup. */
function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

const grouped = (count) => count.toLocaleString("en-US");

// How pictures are spoken of: digits are read, other images are taken for something.
const NOUNS = {
  digits: {
    one: t("{n} digit"), many: t("{n} digits"), kind: t("digit {name}"),
    as: t("{truth} read as {answer}"), right: t("{truth} read right"), answer: t("Read as {answer}"),
    corner: t("read →\ntrue ↓"),
    rows: t("Rows are the true digits, columns what the net said. Choose a number to see those digits; the diagonal holds the right answers."),
    each: t("Accuracy of each digit"), byTruth: t("by true digit"),
    read: t("{done} of {total} digits read"),
    unshown: t("The digits cannot be shown: {why}."), none: t("No digit is among these."),
    loss: t("−ln of what it gave the true digit"), lossOfA: t("−ln of what A gave the true digit"),
  },
  images: {
    one: t("{n} image"), many: t("{n} images"), kind: t("class {name}"),
    as: t("{truth} taken for {answer}"), right: t("{truth} recognised"), answer: t("Taken for {answer}"),
    corner: t("said →\ntrue ↓"),
    rows: t("Rows are the true classes, columns what the net said. Choose a number to see those images; the diagonal holds the right answers."),
    each: t("Accuracy of each class"), byTruth: t("by true class"),
    read: t("{done} of {total} images looked at"),
    unshown: t("The images cannot be shown: {why}."), none: t("No image is among these."),
    loss: t("−ln of what it gave the true class"), lossOfA: t("−ln of what A gave the true class"),
  },
};
let nouns = NOUNS.digits;
const filled = (text, values) => text.replace(/\{(\w+)\}/g, (place, name) => values[name] ?? place);
const counted = (count) => filled(count === 1 ? nouns.one : nouns.many, { n: grouped(count) });

/** A part as a percentage; 100 only where it is exactly that. */
function percent(part, digits = 1) {
  const text = (100 * part).toFixed(digits);
  const full = (100).toFixed(digits);
  const figure = part < 1 && text === full ? (100 - 10 ** -digits).toFixed(digits) : text;
  return t("{n} %", { n: figure }).replace(" ", "\u00a0"); // never broken between lines
}

/** Copies one picture of the sprite onto a canvas of its own size; CSS scales it up. */
function paint(canvas, picture) {
  const { sheet, side, column, row } = picture;
  canvas.width = canvas.height = side;
  const context = canvas.getContext("2d");
  context.drawImage(sheet, column * side, row * side, side, side, 0, 0, side, side);
}

/** One picture of the grid: what it is and was taken for, how sure the net was. */
function tile(item, labels) {
  const canvas = make("canvas", { "aria-hidden": "true" });
  paint(canvas, item.picture);
  const [lines, name] = item.other ? twoAnswers(item, labels) : oneAnswer(item, labels);
  const button = make(
    "button",
    { type: "button", class: "tile", tabindex: -1, "data-index": item.index },
    canvas, ...lines,
  );
  button.setAttribute("aria-label", name);
  return button;
}

function oneAnswer(item, labels) {
  const [truth, predicted] = [labels[item.truth], labels[item.predicted]];
  const sure = percent(item.probabilities[item.predicted]);
  const verdict = make("span", { class: "verdict" }, `${truth} → ${predicted}`);
  return [
    [verdict, make("span", { class: "sure" }, sure)],
    t("{what}, {sure} sure", { what: filled(nouns.as, { truth, answer: predicted }), sure }),
  ];
}

function twoAnswers(item, labels) {
  const truth = labels[item.truth];
  const pills = [["A", item], ["B", item.other]].map(([who, { predicted }]) =>
    make(
      "span",
      { class: `answer ${predicted === item.truth ? "right" : "wrong"}` },
      `${who} ${labels[predicted]}`,
    ),
  );
  const [a, b] = [labels[item.predicted], labels[item.other.predicted]];
  return [
    [make("span", { class: "verdict" }, truth), make("span", { class: "answers" }, ...pills)],
    t("{truth}: A says {a}, B says {b}", { truth, a, b }),
  ];
}

const groupNames = { both: t("Both right"), first: t("Only A right"), second: t("Only B right"), neither: t("Both wrong") };

/** Who is right about how many: a button for each group. */
function groupButtons(comparison) {
  return Object.entries(comparison.counts).map(([group, count]) => {
    const button = make(
      "button",
      { type: "button", class: `plain ${group}` },
      groupNames[group], make("b", {}, grouped(count)),
    );
    button.dataset.wanted = JSON.stringify({ ...ALL, group });
    if (count) button.setAttribute("aria-pressed", "false");
    else button.setAttribute("aria-disabled", "true");
    return button;
  });
}

/** The nets to compare with, as options; the first is none. */
function otherOptions(others) {
  const none = t(others.length ? "no other net" : "none for these images: train one");
  return [[none, ""], ...others].map(([name, choice]) => make("option", { value: choice }, name));
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
      ? [make("span", { class: "label" }, labels[index]), make("span", { class: "none" }, t("none here"))]
      : bar({
          label: labels[index],
          part,
          fill: (part - floor) / (1 - floor),
          name: t("accuracy of {name}", { name: labels[index] }),
        }),
  );
}

/** How often the answers of each confidence are right; a line marks how sure they are. */
function reliabilityBars({ reliability }) {
  return [...reliability].reverse().flatMap(({ low, high, count, confidence, accuracy }) => {
    const range = t("{n} %", { n: `${Math.round(100 * low)}–${Math.round(100 * high)}` }).replace(" ", "\u00a0");
    const name = t("right of those it was {range} sure of", { range });
    const cells = bar({ label: range, note: grouped(count), part: accuracy, name });
    const mark = make("span", { class: "mark" });
    mark.style.left = `${100 * confidence}%`;
    cells[2].append(mark);
    return cells;
  });
}

/** The probabilities that the (first) net gives a picture, in the classes' own order. */
function probabilityBars(item, labels) {
  return item.probabilities.flatMap((part, index) => {
    const truth = index === item.truth;
    const read = index === item.predicted;
    const second = item.other && index === item.other.predicted;
    const note = [read && (item.other ? "A" : t("read")), second && "B", truth && t("true")].filter(Boolean).join(t(", "));
    const tone = read ? "" : truth ? "truth" : "other";
    return bar({ label: labels[index], note, part, name: filled(nouns.kind, { name: labels[index] }), tone });
  });
}

/** The facts beside a picture, as a list of terms. */
function facts(item) {
  const sure = ({ predicted, probabilities }) => percent(probabilities[predicted]);
  const own = item.other
    ? [[t("A's confidence"), sure(item), t("the bars are A's")], [t("B's confidence"), sure(item.other), ""]]
    : [[t("Confidence"), sure(item), t("what it gave its own answer")]];
  return [
    ...own,
    [t("Loss"), item.loss.toFixed(2), item.other ? nouns.lossOfA : nouns.loss],
    [t("Number"), grouped(item.index), ""],
  ].flatMap(([term, value, why]) => [
    make("dt", {}, term), make("dd", {}, value, ...(why ? [make("small", {}, why)] : [])),
  ]);
}

/** The confusion matrix: a button a cell; row and column heads choose all their mistakes. */
function matrixRows(summary) {
  const { confusion, labels } = summary;
  const most = Math.max(1, ...confusion.flatMap((row, i) => row.filter((_, j) => i !== j)));
  const wide = labels.some((label) => label.length > 2);
  const head = make("tr", {}, make("td", { class: `corner${wide ? " wide" : ""}` }, nouns.corner));
  const columnSums = labels.map((_, j) => confusion.reduce((sum, row, i) => sum + (i === j ? 0 : row[j]), 0));
  labels.forEach((label, j) => {
    const button = cell(label, t("taken for {name}: {count}", { name: label, count: counted(columnSums[j]) }), { predicted: j }, columnSums[j]);
    head.append(make("th", { scope: "col", class: wide ? "wide" : "" }, button));
  });
  const rows = confusion.map((counts, i) => {
    const wrong = counts.reduce((sum, count, j) => sum + (i === j ? 0 : count), 0);
    const button = cell(labels[i], t("mistakes with {name}: {count}", { name: labels[i], count: counted(wrong) }), { truth: i }, wrong);
    const row = make("tr", {}, make("th", { scope: "row" }, button));
    counts.forEach((count, j) => {
      const right = i === j;
      const what = filled(right ? nouns.right : nouns.as, { truth: labels[i], answer: labels[j] });
      const name = t("{what}: {count}", { what, count: counted(count) });
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
  button.dataset.wanted = JSON.stringify({ ...ALL, ...wanted });
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
