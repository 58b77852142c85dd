// The runs that are kept for this browser stand in every list from the start.
let asked = -Infinity;

function askForRuns() {
  if (!element.isConnected || document.hidden || performance.now() - asked < 5000) return;
  if (!navigator.onLine) return; // Gradio would give the page up
  asked = performance.now();
  bringRuns();
}

/** And has the net answer that did before a reload, which another language needs too. */
function bringRuns() {
  try {
    const key = localStorage.getItem("mnist-demo-runs"); // written by training_kept.js
    const net = Number(sessionStorage.getItem("mnist-demo-net")); // by sketchpad_start.js
    if (key) trigger("opened", { key, net });
  } catch {
    // A browser that stores nothing has none.
  }
}

askForRuns();
window.addEventListener("run-back", () => element.isConnected && bringRuns()); // which was on until the reload
// The server forgets a page that slept or lost its connection; what is on disk comes back.
for (const kind of ["online", "pageshow"]) addEventListener(kind, askForRuns);
document.addEventListener("visibilitychange", askForRuns);

// A lesson's link opens a tab, and fills the form with settings; else it is as it was before a
// reload, where this browser tab kept it: see links.py.
const { tab, lang, __theme, ...named } = Object.fromEntries(new URLSearchParams(location.search));
const settings = tab && Object.keys(named).length ? named : keptForm();
window.hasSettings = Boolean(tab || Object.keys(settings).length); // for training_start.js
if (window.hasSettings) trigger("linked", { tab, settings });

function keptForm() {
  try {
    return Object.fromEntries(new URLSearchParams(sessionStorage.getItem("mnist-demo-form") ?? ""));
  } catch {
    return {};
  }
}

window.addEventListener("open-tab", ({ detail }) => element.isConnected && trigger("linked", { tab: detail, settings: {} }));

// A run that a reload broke off goes on in the Train tab; written by training_kept.js too.
try {
  if (sessionStorage.getItem("mnist-demo-going")) trigger("returned");
} catch {
  // Nor has it a run to go on with.
}

// What is said in English to everybody, by Gradio mostly, just when something is wrong.
const THEIRS = {
  "Error": t("Error"),
  "Connection Lost": t("Connection Lost"),
  "Connection to the server was lost. Attempting reconnection...":
    t("Connection to the server was lost. Attempting reconnection..."),
  "This application is currently busy. Please try again.":
    t("This application is currently busy. Please try again."),
  // Of ours, said before an event knows its request; see guard.py.
  "that is not offered here, or not any more; reload the page":
    t("that is not offered here, or not any more; reload the page"),
};
const toasts = document.querySelector(".toast-wrap");

function sayTheirs() {
  const texts = document.createTreeWalker(toasts, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode.data.trim();
    const said = Object.hasOwn(THEIRS, text) ? THEIRS[text] : text;
    if (said !== text) texts.currentNode.data = said;
  }
}

if (toasts) new MutationObserver(sayTheirs).observe(toasts, { childList: true, subtree: true, characterData: true });

// Another language keeps the rest of the address: the theme, say.
for (const link of element.querySelectorAll("a.language"))
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return; // another tab, say
    event.preventDefault();
    const address = new URL(location.href);
    address.searchParams.set("lang", link.dataset.language);
    location.assign(address);
  });
