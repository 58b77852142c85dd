// The pad: strokes are kept as points (0 to 1), drawn crisply for the eye and once more
// in SIDE x SIDE pixels for the net. One request is in flight at a time; the newest wins.
const SIDE = 140;
const REST = 0.2; // of the time an answer took: the pause before the next question, so
const LONGEST_REST = 60; // ms      that a busy server is asked less often
const SHORTEST = 18; // ms from one question to the next: the server takes 60 a second of a page
const GIVE_UP = 4000; // ms without an answer before the page says so

// Ends what an earlier run of this script listens to beyond the pad.
window.sketchpadEnds?.abort();
const { signal } = (window.sketchpadEnds = new AbortController());

const find = (selector) => element.querySelector(selector);
const pad = find(".pad canvas");
const invite = find(".invite");
const buttons = { undo: find(".undo"), clear: find(".clear"), open: find(".open") };
const file = find("input[type=file]");
const brush = find(".brush input");
const strip = [...element.querySelectorAll(".strip canvas")];
const ink = document.createElement("canvas");
ink.width = ink.height = SIDE;
const inkContext = ink.getContext("2d", { willReadFrequently: true });

let marks = []; // {points, width} | {picture}; {clear: true} hides all before it
let active = null; // the mark under the pen, or under the nib that keys move
let pen = null; // its pointer's id

function trace(context, side, mark, from = 0) {
  if (mark.picture) {
    context.drawImage(mark.picture, 0, 0, side, side);
    return;
  }
  const points = mark.points;
  context.lineCap = context.lineJoin = "round";
  context.lineWidth = mark.width * side;
  context.beginPath();
  const start = Math.max(0, from - 1);
  const first = start ? between(points[start - 1], points[start]) : points[0];
  context.moveTo(first.x * side, first.y * side);
  for (let i = start; i < points.length - 1; i++) {
    const middle = between(points[i], points[i + 1]);
    context.quadraticCurveTo(points[i].x * side, points[i].y * side, middle.x * side, middle.y * side);
  }
  context.lineTo(points.at(-1).x * side, points.at(-1).y * side);
  context.stroke();
}

// Curves run from middle to middle with the points as their bends, which rounds the corners
// that a fast pen leaves between two reports.
function between(a, b) {
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
}

function penColour() {
  return getComputedStyle(pad).color;
}

function redraw() {
  const side = Math.max(1, Math.round(pad.clientWidth * devicePixelRatio));
  if (pad.width !== side) pad.width = pad.height = side;
  const context = pad.getContext("2d");
  context.clearRect(0, 0, side, side);
  inkContext.clearRect(0, 0, SIDE, SIDE);
  inkContext.strokeStyle = "#fff";
  context.strokeStyle = penColour();
  for (const mark of visibleMarks()) {
    trace(inkContext, SIDE, mark);
    if (mark.picture) {
      context.drawImage(tinted(mark.picture), 0, 0, side, side);
    } else trace(context, side, mark);
  }
}

function tinted(picture) {
  const copy = document.createElement("canvas");
  copy.width = copy.height = SIDE;
  const context = copy.getContext("2d");
  context.drawImage(picture, 0, 0);
  context.globalCompositeOperation = "source-in";
  context.fillStyle = penColour();
  context.fillRect(0, 0, SIDE, SIDE);
  return copy;
}

function extend(mark, added) {
  const from = mark.points.length;
  mark.points.push(...added);
  for (const [context, side] of [[pad.getContext("2d"), pad.width], [inkContext, SIDE]]) {
    context.strokeStyle = context === inkContext ? "#fff" : penColour();
    trace(context, side, mark, from);
  }
  changed();
}

function endStroke() {
  active = null;
  redraw(); // the stroke as one curve: pieces joined under the pen leave seams
  changed(); // it may be two digits that touch, which is not asked while the pen moves
}

function dropPen() {
  stopExample();
  liftNib();
  pen = active = null; // what still moves adds nothing
}

function undo() {
  dropPen();
  if (!marks.length) return;
  marks.pop();
  redraw();
  changed();
}

function clear() {
  dropPen();
  if (isBlank()) return;
  marks.push({ clear: true }); // a mark like any other, so that undo brings the drawing back
  redraw();
  changed();
}

buttons.undo.addEventListener("click", undo);
buttons.clear.addEventListener("click", clear);

const isShown = () => element.isConnected && element.offsetParent !== null;
const isTyping = (target) => target.closest?.("input:not([type=range]):not([type=file]), textarea, [contenteditable], [role=listbox]");

document.addEventListener("keydown", (event) => {
  if (!isShown() || isTyping(event.target)) return;
  if (event.key === "Escape" || event.key === "Delete") clear();
  else if (event.key === "Backspace" || (event.key === "z" && (event.ctrlKey || event.metaKey))) undo();
  else return;
  event.preventDefault();
}, { signal });

new ResizeObserver(redraw).observe(pad);
new MutationObserver(redraw).observe(document.body, { attributeFilter: ["class"] }); // theme
