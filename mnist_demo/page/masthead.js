// The runs that are kept for this browser stand in every list from the start.
let asked = -Infinity;

function askForRuns() {
  if (!element.isConnected || document.hidden || performance.now() - asked < 5000) return;
  asked = performance.now();
  try {
    const key = localStorage.getItem("mnist-demo-runs"); // written by training.js
    if (key) trigger("opened", { key });
  } catch {
    // A browser that stores nothing has none.
  }
}

askForRuns();
// The server forgets a page that slept or lost its connection; what is on disk comes back.
for (const kind of ["online", "pageshow"]) addEventListener(kind, askForRuns);
document.addEventListener("visibilitychange", askForRuns);

// A lesson's link opens a tab, and fills the form with settings.
const { tab, lang, __theme, ...settings } = Object.fromEntries(new URLSearchParams(location.search));
if (tab) trigger("linked", { tab, settings });

// A run that a reload broke off goes on in the Train tab; written by training.js too.
try {
  if (sessionStorage.getItem("mnist-demo-going")) trigger("returned");
} catch {
  // Nor has it a run to go on with.
}

// Another language keeps the rest of the address: the theme, say.
for (const link of element.querySelectorAll("a.language"))
  link.addEventListener("click", (event) => {
    event.preventDefault();
    const address = new URL(location.href);
    address.searchParams.set("lang", link.dataset.language);
    location.assign(address);
  });
