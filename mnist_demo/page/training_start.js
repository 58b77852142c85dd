// What the server says of the runs, and what is asked of it for that.

let heard = performance.now(); // when the server last said anything

const usable = (node) => node.isConnected && !node.disabled && node.getClientRects().length > 0;

// Who works by keyboard goes on near where a button went away, not at the page's start.
function holdFocus(draw) {
  const held = root.contains(document.activeElement) ? document.activeElement : null;
  const row = held?.closest(".runs li");
  const near = row ? [row, row.nextElementSibling ?? row.previousElementSibling]
    : held?.matches(".pause, .resume") ? [find(".controls")] : [];
  draw();
  if (!held || usable(held)) return;
  const places = near.flatMap((place) => [...(place?.querySelectorAll(".discard, .pause, .resume") ?? [])]);
  (places.find(usable) ?? find(".state")).focus();
}

function show() {
  heard = performance.now();
  board = props.value || board;
  if (board.refused?.press > refused) {
    refused = board.refused.press;
    pressed = -Infinity;
    say(sentence(board.refused.text));
  }
  holdFocus(() => {
    showState();
    showRuns();
  });
  drawCharts();
  stayAwake();
  tellLearned();
  if (broken) goOn();
}

let learned = 0; // of all runs' epochs

// A drawing that a run's net reads is read anew after each of its epochs.
function tellLearned() {
  const length = ordered().reduce((sum, [, run]) => sum + run.epochs.length, 0);
  if (length > learned) window.dispatchEvent(new CustomEvent("net-changed"));
  learned = length;
}

watch("value", show);
watch("epochs", () => {
  showState();
  drawCharts();
});
show();
const isLinked = new URLSearchParams(location.search).has("tab"); // its settings stay; see masthead.js
trigger("opened", { key, first: !isLinked });
awaitBroken();

// A run says something each second. A server that was restarted does not; it is asked what it knows.
const SILENCE = 10000;
setInterval(() => {
  if (!element.isConnected || !ACTIVE.includes(board.now?.status)) return;
  if (performance.now() - heard < SILENCE) return;
  heard = performance.now();
  trigger("opened", { key });
}, 2000);
