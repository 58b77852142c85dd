// The training board. Python sends all runs as data; this draws them in place.
// `element`, `props`, `trigger`, `server` and `watch` come from Gradio.

const root = element.querySelector(".board");
const find = (selector) => root.querySelector(selector);
const chosen = new Map(); // run -> whether the visitor ticked it; others: the newest alone
let board = { now: null, runs: {} };
let stopping = false;
let presses = 0; // of buttons that the server may refuse, which it says by their numbers
let refused = 0; // the last press that was
let pressed = -Infinity; // when Train or Resume was, until its run shows itself: against a double click

const ordered = () => Object.entries(board.runs).sort((a, b) => a[1].number - b[1].number);
const newest = () => ordered().filter(([, run]) => !run.together).at(-1)?.[0];
const isShown = (id) => (chosen.has(id) ? chosen.get(id) : id === newest());
const shownRuns = () => ordered().filter(([id]) => isShown(id));
const planned = () => Math.max(1, Math.round(props.epochs) || 1); // epochs, as the form has them
const table = (text) => text.split(";").filter(Boolean).map((row) => row.split(" ").map(Number));

const ACTIVE = ["waiting", "training", "paused", "testing"];

function say(text, place = ".alert") {
  for (const other of [".alert", ".news"]) {
    find(other).textContent = (other === place && text) || "";
    find(other).hidden = !find(other).textContent;
  }
}

function showState() {
  const now = board.now;
  const status = now?.status ?? "idle";
  const active = ACTIVE.includes(status);
  if (!active) stopping = false;
  else pressed = -Infinity;
  root.dataset.status = status;
  find(".start").disabled = active;
  find(".pause").disabled = status !== "training" || stopping;
  find(".pause").hidden = status === "paused";
  find(".resume").disabled = find(".resume").hidden = status !== "paused";
  find(".stop").disabled = !active || (stopping && status !== "testing");
  find(".stop").textContent = t(now?.ahead ? "Leave the line" : status === "testing" ? "Skip the test" : "Stop");
  rate.disabled = !["waiting", "training", "paused"].includes(status);
  find(".rate").classList.toggle("off", rate.disabled);
  if (document.activeElement !== rate) rate.value = active && now ? +now.dial.toPrecision(6) : "";
  const part = Math.round(100 * (now?.progress ?? 0));
  find(".bar").style.transform = `scaleX(${now?.progress ?? 0})`;
  find(".progress").setAttribute("aria-valuenow", part);
  const text = now ? (stopping && status !== "testing" ? t("Stopping") : now.text)
    : t(planned() === 1 ? "Nothing trained yet. Press Train and watch one epoch."
      : "Nothing trained yet. Press Train and watch {n} epochs.", { n: planned() });
  if (find(".text").textContent !== text) find(".text").textContent = text;
  find(".speed").textContent = find(".speed").title = now?.speed ?? "";
}

async function turn(action, value) {
  say("");
  if (action === "stop") {
    stopping = true;
    holdFocus(showState);
  }
  const { error } = await callOrSay("switch", { action, value });
  if (!error) return;
  stopping = false;
  say(sentence(error));
  showState();
}

find(".start").addEventListener("click", () => {
  if (performance.now() - pressed < 2000) return;
  pressed = performance.now();
  say("");
  const own = beside.checked ? packedDigits() : "";
  keepSent(own);
  trigger("train", { key, press: ++presses, own });
});
function resume(run, mine = packedDigits()) {
  say("");
  const own = board.runs[run].also ? mine : "";
  keepSent(own);
  trigger("resume", { run, key, press: ++presses, own });
}

// Digits of the visitor's own, to learn from beside the data.
const beside = find(".beside input");

function showBeside() {
  const n = storedDigits().length;
  find(".beside").hidden = !n;
  beside.checked &&= n > 0;
  find(".beside span").textContent = t(n === 1 ? "Learn from my 1 digit too, as named in the Draw tab"
    : "Learn from my {n} digits too, as named in the Draw tab", { n });
}

const packedDigits = () =>
  btoa(storedDigits().map(({ label, pixels }) => String.fromCharCode(label) + atob(pixels)).join(""));

window.addEventListener("digits-kept", showBeside);
window.addEventListener("storage", showBeside);
window.addEventListener("learn-mine", learnMine);

/** The tab may only be on its way. */
function learnMine() {
  window.learnsMine = false;
  beside.checked = true;
  new ResizeObserver((_, observer) => {
    if (!beside.getClientRects().length) return;
    observer.disconnect();
    beside.focus();
  }).observe(root);
}

for (const action of ["pause", "resume", "stop"]) {
  find(`.${action}`).addEventListener("click", () => turn(action));
}
const rate = find(".rate input");
rate.addEventListener("change", () => turn("rate", rate.valueAsNumber));
// Its values lie between 0.00001 and 1, where a browser's own step is 1.
const FACTORS = { ArrowUp: 1.25, ArrowDown: 0.8 };
rate.addEventListener("keydown", (event) => {
  const by = FACTORS[event.key];
  if (!by) return;
  event.preventDefault();
  if (!rate.value) return;
  rate.value = +Math.min(rate.max, Math.max(rate.min, rate.value * by)).toPrecision(2);
});
rate.addEventListener("keyup", (event) => FACTORS[event.key] && rate.value && turn("rate", rate.valueAsNumber));
rate.addEventListener("wheel", () => rate.blur(), { passive: true });
