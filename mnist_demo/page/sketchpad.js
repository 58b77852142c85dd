// The pad: strokes are kept as points (0 to 1), drawn crisply for the eye and once more
// in SIDE x SIDE pixels for the net. One request is in flight at a time; the newest wins.
const SIDE = 140;
const REST = 0.5; // of the time an answer took: the pause before the next question, so
const LONGEST_REST = 60; // ms      that a busy server is asked less often
const GIVE_UP = 4000; // ms without an answer before the page says so

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
let active = null; // the mark under the pen
let pen = null; // its pointer's id

// ---- bars -------------------------------------------------------------------------

const bars = Array.from({ length: 10 }, (_, digit) => {
  const row = document.createElement("div");
  row.className = "bar";
  row.setAttribute("role", "meter");
  row.setAttribute("aria-label", `digit ${digit}`);
  row.setAttribute("aria-valuemin", "0");
  row.setAttribute("aria-valuemax", "100");
  const [name, track, fill, figure] = ["span", "span", "i", "span"].map((tag) => document.createElement(tag));
  name.textContent = digit;
  track.className = "track";
  figure.className = "figure";
  track.append(fill);
  row.append(name, track, figure);
  find(".bars").append(row);
  return { row, fill, figure };
});

const percent = (p) => (p > 0.999 ? "100 %" : p < 0.0005 ? "0 %" : `${(100 * p).toFixed(p < 0.1 ? 1 : 0)} %`);

function showBars(probabilities) {
  const best = probabilities ? Math.max(...probabilities) : 2;
  bars.forEach(({ row, fill, figure }, digit) => {
    const p = probabilities ? probabilities[digit] : 0;
    fill.style.transform = `scaleX(${p})`;
    figure.textContent = probabilities ? percent(p) : "";
    row.classList.toggle("best", p === best);
    row.setAttribute("aria-valuenow", (100 * p).toFixed(1));
  });
}

// ---- what the network sees ----------------------------------------------------------

function bytesOf(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

function greyImage(bytes, width, height) {
  const image = new ImageData(width, height);
  for (let i = 0; i < bytes.length; i++) {
    image.data.fill(bytes[i], 4 * i, 4 * i + 3);
    image.data[4 * i + 3] = 255;
  }
  return image;
}

function blacken(canvas) {
  const context = canvas.getContext("2d");
  context.fillStyle = "#000";
  context.fillRect(0, 0, canvas.width, canvas.height);
  return context;
}

let stripAnswer = null;
let stripDue = null;

// At most ten times a second: painting it more often would take the time from pen and bars.
function showStrip(answer) {
  stripAnswer = answer;
  stripDue ??= setTimeout(() => {
    stripDue = null;
    drawStrip(stripAnswer);
  }, 100);
}

function drawStrip(answer) {
  find(".strip").classList.toggle("empty", !answer);
  const contexts = strip.map(blacken);
  if (!answer) return;
  contexts[0].drawImage(ink, 0, 0);
  const [top, left, bottom, right] = answer.box;
  contexts[0].strokeStyle = "#f59e0b";
  contexts[0].lineWidth = 2;
  contexts[0].strokeRect(left - 2, top - 2, right - left + 4, bottom - top + 4);
  const scale = SIDE / Math.max(right - left, bottom - top);
  const [w, h] = [(right - left) * scale, (bottom - top) * scale];
  contexts[1].drawImage(ink, left, top, right - left, bottom - top, (SIDE - w) / 2, (SIDE - h) / 2, w, h);
  const { width, height, pixels } = answer.fitted;
  contexts[2].putImageData(greyImage(bytesOf(pixels), width, height), (20 - width) >> 1, (20 - height) >> 1);
  contexts[3].putImageData(greyImage(bytesOf(answer.centred), 28, 28), 0, 0);
}

// ---- the verdict --------------------------------------------------------------------

let announcing = null;

function announce(text) {
  clearTimeout(announcing);
  announcing = setTimeout(() => (find(".announce").textContent = text), 700);
}

function say(guess, saying, detail) {
  find(".guess").textContent = guess;
  find(".saying").textContent = saying;
  find(".detail").textContent = detail;
  announce(`${saying}. ${detail}`);
}

function showBlank() {
  showBars(null);
  showStrip(null);
  find(".status").textContent = "";
  find(".verdict").classList.remove("unsure");
  say("?", "Draw a digit", "The ten bars will move while you draw.");
}

function showAnswer(answer, waits) {
  const p = answer.probabilities;
  const [first, second] = [...p.keys()].sort((a, b) => p[b] - p[a]);
  showBars(p);
  showStrip(answer);
  find(".verdict").classList.toggle("unsure", answer.unsure);
  if (answer.unsure) say(first, `Not sure: ${first} or ${second}?`, `${percent(p[first])} against ${percent(p[second])}`);
  else say(first, `This looks like a ${first}`, p[first] > 0.999 ? "more than 99.9 % sure" : `${percent(p[first])} sure`);
  find(".status").textContent = `Answered ${Math.round(Math.max(...waits))} ms after the pen moved`;
  element.dispatchEvent(new CustomEvent("answered", { detail: waits, bubbles: true }));
}

// ---- asking the server ----------------------------------------------------------------

let version = 0; // of the drawing; each change is a new one
let answered = 0;
const changes = new Map(); // version -> when it was drawn, for those not yet answered
let asking = false;
let failures = 0;

function isBlank() {
  const last = marks.findLastIndex((mark) => mark.clear);
  return marks.length === last + 1;
}

function changed() {
  changes.set(++version, performance.now());
  const blank = isBlank();
  invite.hidden = !blank;
  buttons.clear.disabled = blank;
  buttons.undo.disabled = marks.length === 0;
  if (blank) showBlank();
  ask();
}

function message() {
  const { data } = inkContext.getImageData(0, 0, SIDE, SIDE);
  let [top, left, bottom, right] = [SIDE, SIDE, -1, -1];
  for (let y = 0; y < SIDE; y++)
    for (let x = 0; x < SIDE; x++)
      if (data[4 * (y * SIDE + x) + 3]) {
        top = Math.min(top, y); bottom = Math.max(bottom, y);
        left = Math.min(left, x); right = Math.max(right, x);
      }
  if (bottom < 0) return null;
  const [w, h] = [right - left + 1, bottom - top + 1];
  let text = "";
  for (let y = top; y <= bottom; y++)
    for (let x = left; x <= right; x++) text += String.fromCharCode(data[4 * (y * SIDE + x) + 3]);
  return { net: props.value.net, x: left, y: top, w, h, ink: btoa(text) };
}

// How long each change up to `seen` waited for its answer, in ms.
function settle(seen) {
  const waits = [];
  for (const [change, drawn] of changes)
    if (change <= seen) {
      waits.push(performance.now() - drawn);
      changes.delete(change);
    }
  return waits;
}

function within(promise, time) {
  return Promise.race([promise, new Promise((_, fail) => setTimeout(() => fail(new Error("no answer")), time))]);
}

async function ask() {
  if (asking) return;
  asking = true;
  while (answered < version) {
    const seen = version;
    const drawing = isBlank() ? null : message();
    if (!drawing) {
      answered = seen;
      settle(seen);
      continue;
    }
    const started = performance.now();
    try {
      const answer = await within(server.classify(drawing), GIVE_UP);
      failures = 0;
      answered = seen;
      const waits = settle(seen);
      if (isBlank()) continue;
      if (answer.error) find(".status").textContent = answer.error;
      else if (answer.blank) say("?", "Go on drawing", "There is too little ink to read yet.");
      else showAnswer(answer, waits);
      await new Promise((go) => setTimeout(go, Math.min(LONGEST_REST, REST * (performance.now() - started))));
    } catch (error) {
      failures++;
      find(".status").textContent = "No connection to the server. Your drawing is safe; trying again…";
      await new Promise((go) => setTimeout(go, Math.min(5000, 500 * failures)));
    }
  }
  asking = false;
}

// ---- drawing --------------------------------------------------------------------------

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
  const visible = marks.slice(marks.findLastIndex((mark) => mark.clear) + 1);
  for (const mark of visible) {
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

function place(event) {
  const box = pad.getBoundingClientRect();
  return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
}

pad.addEventListener("pointerdown", (event) => {
  if (pen !== null || event.button !== 0) return;
  stopExample();
  event.preventDefault();
  pen = event.pointerId;
  pad.setPointerCapture(pen);
  active = { points: [], width: brush.value / 100 };
  marks.push(active);
  extend(active, [place(event)]);
});

pad.addEventListener("pointermove", (event) => {
  if (event.pointerId !== pen) return;
  const events = event.getCoalescedEvents?.() ?? [];
  extend(active, (events.length ? events : [event]).map(place));
});

for (const name of ["pointerup", "pointercancel", "lostpointercapture"])
  pad.addEventListener(name, (event) => {
    if (event.pointerId !== pen) return;
    pen = active = null;
    redraw(); // the stroke as one curve: pieces joined under the pen leave seams
  });

function undo() {
  stopExample();
  marks.pop();
  redraw();
  changed();
}

function clear() {
  stopExample();
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
});

new ResizeObserver(redraw).observe(pad);
new MutationObserver(redraw).observe(document.body, { attributeFilter: ["class"] }); // theme

// ---- pictures ---------------------------------------------------------------------------

function fromInk(text) {
  const bytes = bytesOf(text);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  const image = new ImageData(SIDE, SIDE);
  bytes.forEach((value, i) => image.data.set([255, 255, 255, value], 4 * i));
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

function putPicture(text) {
  stopExample();
  if (!isBlank()) marks.push({ clear: true });
  marks.push({ picture: fromInk(text) });
  redraw();
  changed();
}

async function encoded(blob) {
  let send = blob;
  try {
    const bitmap = await createImageBitmap(blob);
    const scale = Math.min(1, 800 / Math.max(bitmap.width, bitmap.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(bitmap.width * scale));
    canvas.height = Math.max(1, Math.round(bitmap.height * scale));
    canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    send = await new Promise((done) => canvas.toBlob(done, "image/png"));
  } catch {
    // A kind that this browser cannot show (TIFF, say); the server may know it.
  }
  return new Promise((done, fail) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result.split(",")[1] ?? "");
    reader.onerror = fail;
    reader.readAsDataURL(send);
  });
}

async function openPicture(blob) {
  find(".status").textContent = "Reading the picture…";
  try {
    const answer = await within(server.read_picture(await encoded(blob)), 20000);
    if (answer.error) find(".status").textContent = answer.error;
    else putPicture(answer.ink);
  } catch {
    find(".status").textContent = "The picture could not be sent; try again, or a smaller one.";
  }
}

buttons.open.addEventListener("click", () => file.click());
file.addEventListener("change", () => {
  if (file.files[0]) openPicture(file.files[0]);
  file.value = "";
});
document.addEventListener("paste", (event) => {
  const picture = [...(event.clipboardData?.files ?? [])].find((item) => item.type.startsWith("image/"));
  if (picture && isShown()) openPicture(picture);
});
find(".pad").addEventListener("dragover", (event) => event.preventDefault());
find(".pad").addEventListener("drop", (event) => {
  event.preventDefault();
  if (event.dataTransfer.files[0]) openPicture(event.dataTransfer.files[0]);
});

// ---- examples: drawn as a hand would, so that the bars can be watched ---------------------

const EXAMPLES = {
  3: [[[.34, .3], [.42, .2], [.56, .19], [.64, .3], [.58, .42], [.46, .47], [.6, .52], [.67, .65], [.6, .8], [.44, .84], [.32, .75]]],
  4: [[[.42, .18], [.38, .36], [.33, .53], [.46, .55], [.7, .52]], [[.62, .3], [.6, .55], [.58, .86]]],
  7: [[[.3, .24], [.48, .22], [.7, .22], [.6, .42], [.5, .62], [.44, .85]], [[.42, .53], [.55, .51], [.66, .5]]],
  8: [[[.62, .27], [.5, .18], [.38, .26], [.42, .4], [.54, .5], [.64, .64], [.58, .8], [.44, .82], [.36, .7], [.44, .54], [.56, .42], [.63, .28]]],
  2: [[[.72, .62], [.76, .57], [.82, .59], [.82, .66], [.76, .74], [.71, .8], [.78, .79], [.86, .79]]],
};
let example = null;

function smooth(points) { // Catmull-Rom through the points
  const at = (i) => points[Math.min(Math.max(i, 0), points.length - 1)];
  const curve = [];
  for (let i = 0; i < points.length - 1; i++)
    for (let t = 0; t < 1; t += 0.125) {
      const [a, b, c, d] = [at(i - 1), at(i), at(i + 1), at(i + 2)];
      const mix = (k) => 0.5 * (2 * b[k] + (c[k] - a[k]) * t + (2 * a[k] - 5 * b[k] + 4 * c[k] - d[k]) * t * t + (3 * b[k] - a[k] - 3 * c[k] + d[k]) * t ** 3);
      curve.push({ x: mix(0), y: mix(1) });
    }
  curve.push({ x: points.at(-1)[0], y: points.at(-1)[1] });
  return curve;
}

function stopExample() {
  cancelAnimationFrame(example);
  example = null;
}

function playExample(strokes) {
  clear();
  const width = strokes.flat().every(([x]) => x > 0.6) ? 0.035 : 0.065;
  const rest = strokes.map(smooth);
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  let mark = null;
  const draw = () => {
    if (!mark) marks.push((mark = { points: [], width }));
    extend(mark, rest[0].splice(0, still ? Infinity : 2));
    if (!rest[0].length) {
      rest.shift();
      mark = null;
    }
    example = rest.length ? requestAnimationFrame(draw) : null;
  };
  draw();
}

for (const [digit, strokes] of Object.entries(EXAMPLES)) {
  const button = document.createElement("button");
  button.type = "button";
  const small = strokes.flat().every(([x]) => x > 0.6);
  button.title = small ? `A ${digit}, small in a corner` : `A ${digit}`;
  button.setAttribute("aria-label", `Draw an example: ${button.title}`);
  const picture = document.createElement("canvas");
  picture.width = picture.height = 72;
  const context = picture.getContext("2d");
  button.append(picture);
  find(".examples").append(button);
  const paint = () => {
    context.clearRect(0, 0, 72, 72);
    context.strokeStyle = getComputedStyle(button).color;
    for (const stroke of strokes) trace(context, 72, { points: smooth(stroke), width: small ? 0.05 : 0.08 });
  };
  paint();
  new MutationObserver(paint).observe(document.body, { attributeFilter: ["class"] });
  button.addEventListener("click", () => playExample(strokes));
}

// ---- what the rest of the page sets ---------------------------------------------------------

let shown = props.value.serial;
function follow() {
  if (props.value.serial === shown) return;
  shown = props.value.serial;
  if (props.value.picture) putPicture(props.value.picture);
  else changed(); // another net: ask it about the drawing that is there
}
watch("value", follow);

showBlank();
redraw();
if (props.value.picture) putPicture(props.value.picture);
