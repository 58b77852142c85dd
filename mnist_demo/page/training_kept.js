// What the server keeps of this browser's runs, under a name that only it knows.

const KEY = "mnist-demo-runs";

function storedKey() {
  try {
    let key = localStorage.getItem(KEY);
    if (!/^[0-9a-f]{32}$/.test(key)) {
      const bytes = crypto.getRandomValues(new Uint8Array(16));
      key = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
      localStorage.setItem(KEY, key);
    }
    return key;
  } catch {
    return ""; // a browser that stores nothing: its runs last as long as the page
  }
}

const key = storedKey();

// A reload breaks a run off, and the same tab then goes on with it.

const GOING = "mnist-demo-going"; // when the run began that the page was left with; see masthead.js
const TRIES = 15; // seconds within which the server has noticed that the page is gone
let broken = null; // the run to go on with, by when it began

function noteGoing({ type }) {
  const run = board.runs[board.now?.run];
  const isGoing = ["waiting", "training", "testing"].includes(board.now?.status) && !stopping;
  const isLeft = type === "pagehide" || document.hidden;
  try {
    if (isGoing && isLeft) sessionStorage.setItem(GOING, run.begun);
    else sessionStorage.removeItem(GOING);
  } catch {
    // a browser that stores nothing keeps no run either
  }
}

function keepSent(own) {
  try {
    sessionStorage.setItem(SENT, own);
  } catch {
    // What is named meanwhile changes what a reload goes on with: the server says so.
  }
}

function sentOr(own) {
  try {
    return sessionStorage.getItem(SENT) || own;
  } catch {
    return own;
  }
}

function goOn() {
  if (board.keeps === 0) {
    broken = null;
    return say(t("The page was reloaded, and its run ended with it: this server keeps none. Press Train to start another."), ".news");
  }
  const [id, run] = ordered().find(([, run]) => String(run.begun) === broken) ?? [];
  if (!run) return; // the server still has it as going on
  broken = null;
  window.dispatchEvent(new Event("run-back"));
  if (!run.resumable) return;
  resume(id, sentOr(packedDigits()));
  const epochs = table(run.epochs).length;
  say(epochs ? t("The page was reloaded; the run goes on after epoch {n}.", { n: epochs })
    : t("The page was reloaded; the run begins anew."), ".news");
}

async function awaitBroken() {
  try {
    broken = sessionStorage.getItem(GOING);
    sessionStorage.removeItem(GOING);
  } catch {
    return;
  }
  for (let tries = 0; broken && tries < TRIES; tries++) {
    await new Promise((done) => setTimeout(done, 1000));
    if (broken) trigger("opened", { key });
  }
  broken = null;
}

addEventListener("pagehide", noteGoing);
document.addEventListener("visibilitychange", noteGoing); // a phone drops hidden tabs without a word

// The screen stays on while a run is: in the dark a phone drops the page.

let awake = null;

function stayAwake() {
  const isWanted = ["waiting", "training", "testing"].includes(board.now?.status) && !document.hidden;
  if (isWanted === Boolean(awake)) return;
  if (!isWanted) awake.then((lock) => lock?.release());
  awake = isWanted ? (navigator.wakeLock?.request("screen").catch(() => null) ?? null) : null;
}

document.addEventListener("visibilitychange", stayAwake);
