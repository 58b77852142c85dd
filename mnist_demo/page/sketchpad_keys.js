// The pad without a pointer: with the focus on it, keys move a nib, and put it down and lift it.
// What it draws are marks like a pen's, so the bars move as it goes.
const STEP = 0.02; // of the pad's side, a key press
const FAR = 0.1; // the same with Shift
const WAYS = {
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
  Home: [-1, -1], PageUp: [1, -1], End: [-1, 1], PageDown: [1, 1],
};

const nib = find(".nib");
const point = { x: 0.5, y: 0.5 };
const held = new Set(); // arrows that are down: two at once go aslant
const REST_OF_KEYS = 400; // ms without one
let keyed = null; // the mark under the nib while it is down
let telling = null; // where it is, once the keys rest

function showNib() {
  nib.style.left = `${100 * point.x}%`;
  nib.style.top = `${100 * point.y}%`;
  nib.style.width = nib.style.height = `${brush.value}%`;
  nib.classList.toggle("down", Boolean(keyed));
}

/** Said at once; the reading of the drawing follows when the keys rest. */
function tellNib(state) {
  clearTimeout(telling);
  const row = [t("top"), t("middle"), t("bottom")][Math.min(2, Math.floor(3 * point.y))];
  const column = [t("left"), t("centre"), t("right")][Math.min(2, Math.floor(3 * point.x))];
  find(".announce").textContent = t("{state}, {row} {column}", { state, row, column });
}

function lowerNib() {
  stopExample();
  keyed = active = { points: [], width: brush.value / 100 };
  marks.push(keyed);
  extend(keyed, [{ ...point }]);
  tellNib(t("Pen down"));
  showNib();
}

function liftNib() {
  if (!keyed) return;
  keyed = null;
  endStroke();
  tellNib(t("Pen up"));
  showNib();
}

function moveNib(ways, step) {
  const go = (at, way) => Math.min(1, Math.max(0, at + way * step));
  const x = Math.sign(ways.reduce((sum, [dx]) => sum + dx, 0));
  const y = Math.sign(ways.reduce((sum, [, dy]) => sum + dy, 0));
  Object.assign(point, { x: go(point.x, x), y: go(point.y, y) });
  clearTimeout(telling);
  if (keyed) extend(keyed, [{ ...point }]);
  else telling = setTimeout(() => tellNib(t("Pen up")), REST_OF_KEYS);
  showNib();
}

pad.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || pen !== null) return;
  if (event.key === " " || event.key === "Enter") {
    if (!event.repeat) keyed ? liftNib() : lowerNib();
  } else if (WAYS[event.key]) {
    held.add(event.key);
    moveNib([...held].map((key) => WAYS[key]), event.shiftKey ? FAR : STEP);
  } else return;
  event.preventDefault();
});
pad.addEventListener("keyup", (event) => held.delete(event.key));
pad.addEventListener("focus", showNib);
pad.addEventListener("blur", () => {
  held.clear();
  clearTimeout(telling);
  liftNib();
});
pad.addEventListener("pointerdown", liftNib, { capture: true });
brush.addEventListener("input", showNib);
