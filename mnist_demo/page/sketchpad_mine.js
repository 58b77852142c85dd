// Your digits: drawings whose digit was named are kept in this browser, and whichever net is
// chosen is asked about all of them: so it has a score on one's own hand. Saved as a file they
// are a data set. The server keeps none.
const READ_EVERY = 40; // ms from one kept digit to the next: a drawing goes before them

const mine = find(".mine");
const back = find(".mine .back");

let digits = storedDigits(); // also with {net, said} once a net has read it
let forgotten = []; // {digit, place} in this page, the latest first
let readingMine = false;
let hasLearned = false; // the net that answers, from digits that were kept here

/** Other pages of this browser keep and forget some too. */
function refresh() {
  const known = new Map(digits.map((digit) => [`${digit.label} ${digit.pixels}`, digit]));
  digits = storedDigits().map((digit) => known.get(`${digit.label} ${digit.pixels}`) ?? digit);
}

// All that are kept, and how many of them the net reads.

const isKept = (digit) => digits.some(({ pixels }) => pixels === digit.pixels);
const isRead = (digit) => digit.net === props.value.net;
const isRight = (digit) => digit.said === String(digit.label);

/** More of them, the newest before all others; whether they will be here after the page. */
function keepNew(some) {
  digits.unshift(...some);
  forgotten = forgotten.filter(({ digit }) => !isKept(digit));
  for (const one of forgotten) one.place += some.length;
  const isStored = storeDigits(digits);
  showMine();
  return isStored;
}

const noRoom = () => t("{n} are kept, and there is room for no more: save them, then forget them.", { n: MOST_KEPT });

const unstored = () => t("This browser stores nothing: save them as a file before you leave.");

/** What is kept has changed. */
function showMine() {
  for (const name of ["learn", "save", "forget"]) find(`.mine .${name}`).hidden = !digits.length;
  find(".mine .how").hidden = digits.length;
  back.hidden = !forgotten.length;
  back.textContent = t("Bring back {n}", { n: forgotten.length });
  if (mine.open) showTray();
  digits.forEach(showReading);
  showScore();
}

/** Tiles that stay are not touched: one of them may have the focus. */
function showTray() {
  const tray = find(".tray");
  const tiles = digits.map((digit) => (digit.tile ??= tileOf(digit)));
  const stay = new Set(tiles);
  for (const tile of [...tray.children]) if (!stay.has(tile)) tile.remove();
  tiles.forEach((tile, i) => tray.children[i] === tile || tray.insertBefore(tile, tray.children[i] ?? null));
}

function showScore() {
  const read = digits.filter(isRead);
  const score = { n: digits.length, right: read.filter(isRight).length, done: read.length };
  const isDone = read.length === digits.length;
  const reads = mine.open && !props.value.unfit;
  find(".score").textContent = !digits.length ? t("none here") : t(isDone ? "{right} of {n} read right" : reads ? "{done} of {n} read" : "{n} kept", score);
  find(".known").hidden = !(hasLearned = props.value.learned ?? hasLearned);
}

function tileOf(digit) {
  const tile = document.createElement("li");
  const canvas = Object.assign(document.createElement("canvas"), { width: 28, height: 28 });
  canvas.getContext("2d").putImageData(greyImage(bytesOf(digit.pixels), 28, 28), 0, 0);
  const [show, drop] = [["show", canvas], ["drop", "×"]].map(([name, content]) => {
    const button = Object.assign(document.createElement("button"), { type: "button", className: name });
    button.append(content);
    return button;
  });
  show.addEventListener("click", () => {
    putDigit(digit.pixels);
    pad.scrollIntoView({ block: "nearest" });
  });
  drop.setAttribute("aria-label", t("Forget this {digit}", { digit: digit.label }));
  drop.addEventListener("click", ({ detail }) => detail > 1 || forgetOne(digit)); // no double click
  tile.append(show, document.createElement("span"), drop);
  return tile;
}

function showReading(digit) {
  if (!digit.tile) return;
  const [show, says] = digit.tile.children;
  const isWrong = isRead(digit) && !isRight(digit);
  digit.tile.classList.toggle("wrong", isWrong);
  says.textContent = isWrong ? t("{digit}, read as {said}", { digit: digit.label, said: digit.said }) : digit.label;
  show.setAttribute("aria-label", t("Your {digit}, onto the pad", { digit: says.textContent }));
}

/** One after another, while nobody draws: what the chosen net says of each that it has not read. */
async function readMine() {
  if (readingMine) return;
  readingMine = true;
  let digit;
  while (mine.open && !props.value.unfit && (digit = digits.find((one) => !isRead(one) || one.stale))) {
    await pause(isMoving() || asking ? 250 : READ_EVERY);
    if (isMoving() || asking) continue;
    const net = props.value.net;
    const picture = { net, x: 56, y: 56, w: 28, h: 28, ink: digit.pixels, own: digit.pixels, moving: true };
    const answer = await within(call("classify", picture), GIVE_UP).catch(() => ({ again_in: 2 }));
    if (answer.again_in) await pause(1000 * answer.again_in);
    else if (answer.error) break; // a net that is gone, say: another choice begins anew
    else Object.assign(digit, { net, said: answer.blank ? "–" : saidOf(answer), stale: false });
    showReading(digit);
    showScore();
  }
  readingMine = false;
}

/** `anew`: the net has learned on; what it said stands until it says something else. */
function readAgain(anew = false) {
  if (anew) digits.forEach((digit) => (digit.stale = true));
  showMine();
  readMine();
}

mine.addEventListener("toggle", () => readAgain());

// Away with them, back while this page is open, or out as a file.

function forget(some) {
  for (const digit of some) {
    const place = digits.findIndex(({ pixels }) => pixels === digit.pixels);
    if (place >= 0) forgotten.unshift({ digit: digits.splice(place, 1)[0], place });
  }
  storeDigits(digits);
  showMine();
  find(".told").textContent = sentence(t("Forgotten; they can be brought back until you leave"));
}

function forgetOne(digit) {
  refresh();
  const next = digits.findIndex(({ pixels }) => pixels === digit.pixels);
  forget([digit]);
  (digits[Math.min(next, digits.length - 1)]?.tile.querySelector(".drop") ?? back).focus();
}

find(".mine .forget").addEventListener("click", () => {
  refresh();
  forget([...digits]);
  tellMine("");
  back.focus();
});

back.addEventListener("click", () => {
  refresh();
  const [{ digit: last }] = forgotten;
  forgotten = forgotten.filter(({ digit, place }) => {
    if (isKept(digit)) return false; // it was kept again
    if (digits.length >= MOST_KEPT) return true;
    digits.splice(place, 0, digit);
    return false;
  });
  const isStored = storeDigits(digits);
  readAgain();
  find(".told").textContent = forgotten.length ? noRoom() : isStored ? "" : unstored();
  (digits.find(({ pixels }) => pixels === last.pixels)?.tile.querySelector(".show") ?? back).focus();
});

find(".mine .learn").addEventListener("click", () => {
  window.learnsMine = true; // for a tab that is opened for the first time
  window.dispatchEvent(new CustomEvent("learn-mine"));
  window.dispatchEvent(new CustomEvent("open-tab", { detail: "train" }));
});

find(".mine .save").addEventListener("click", () => {
  const names = Array.from({ length: 28 * 28 }, (_, i) => `pixel${i}`);
  const rows = digits.map(({ label, pixels }) => [label, ...bytesOf(pixels)].join());
  const file = new Blob([[["label", ...names].join(), ...rows, ""].join("\n")], { type: "text/csv" });
  saveAs(file, "my-digits.csv");
});

// And in again, from such a file.

const csv = find(".mine input");
const MOST_READ = 2 ** 22; // bytes: MOST_KEPT take a quarter of it

/** A line of a label and 784 pixels; null for any other. */
function digitIn(line) {
  const values = line.split(",").map((cell) => (cell.trim() ? Number(cell) : NaN));
  if (values.length !== 1 + 28 * 28 || values[0] > 9) return null;
  if (!values.every((value) => Number.isInteger(value) && value >= 0 && value <= 255)) return null;
  return { label: values[0], pixels: btoa(String.fromCharCode(...values.slice(1))) };
}

/** Keeps the file's digits that are not here yet; returns what to say of it. */
async function openCsv(chosen) {
  const isCut = chosen.size > MOST_READ;
  const lines = (await chosen.slice(0, MOST_READ).text().catch(() => "")).split(/\r\n?|\n/);
  if (isCut) lines.pop();
  if (/^\s*[^\s\d]/.test(lines[0])) lines.shift(); // names
  const read = lines.filter((line) => line.trim()).map(digitIn);
  const found = read.filter(Boolean);
  if (!found.length) return t("No line of this file is a label and 784 pixels: open one that “Save as CSV” has made.");
  refresh();
  const known = new Set(digits.map(({ pixels }) => pixels));
  const others = found.filter(({ pixels }) => !known.has(pixels) && known.add(pixels));
  const taken = others.slice(0, Math.max(0, MOST_KEPT - digits.length));
  const isStored = keepNew(taken);
  readMine();
  const [here, left, wrong] = [found.length - others.length, others.length - taken.length, read.length - found.length];
  const told = [
    t(taken.length === 1 ? "1 digit taken in" : "{n} digits taken in", { n: taken.length }),
    here && t("here already: {n}", { n: here }),
    left && t("no room: {n}, for {most} are kept at most", { n: left, most: MOST_KEPT }),
    wrong && t("lines that are no digits: {n}", { n: wrong }),
    isCut && t("no more than {n} MB are read", { n: MOST_READ / 2 ** 20 }),
  ];
  return sentence(told.filter(Boolean).join(t(", "))) + (isStored ? "" : ` ${unstored()}`);
}

find(".mine .load").addEventListener("click", () => csv.click());
csv.addEventListener("change", async () => {
  const [chosen] = csv.files;
  if (chosen) find(".told").textContent = await openCsv(chosen);
  csv.value = "";
});

for (const kind of ["storage", "pageshow"])
  window.addEventListener(kind, () => {
    refresh();
    readAgain();
  }, { signal });
showMine();
