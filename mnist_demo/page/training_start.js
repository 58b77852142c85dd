// What the server says of the runs, and what is asked of it for that.

const hear = askInSilence(() => ACTIVE.includes(board.now?.status), () => trigger("opened", { key }));

const usable = (node) => node.isConnected && !node.disabled && node.getClientRects().length > 0;

// Who works by keyboard goes on near where a button went away, not at the page's start.
function holdFocus(draw) {
  const held = root.contains(document.activeElement) ? document.activeElement : null;
  const row = held?.closest(".runs li");
  const near = held?.matches(".pause, .resume, .go-on") ? [find(".controls")]
    : row ? [row, row.nextElementSibling ?? row.previousElementSibling] : [];
  draw();
  if (!held || usable(held)) return;
  const places = near.flatMap((place) => [...(place?.querySelectorAll(".discard, .pause, .resume") ?? [])]);
  (places.find(usable) ?? find(".state")).focus();
}

// "Open in Gallery" and "Use in Draw" leave this tab, and the focus would be lost with it.
new ResizeObserver(() => {
  if (!root.getClientRects().length && root.contains(document.activeElement))
    document.querySelector('#tabs [role="tab"][aria-selected="true"]').focus();
}).observe(root);

function show() {
  hear();
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

const learned = new Map(); // run -> how much of it there was when it was shown last

// A drawing that a run's net reads is read anew after each of its epochs.
function tellLearned() {
  const changed = ordered().filter(([id, run]) => learned.get(id) !== run.epochs.length).map(([id]) => id);
  for (const id of changed) learned.set(id, board.runs[id].epochs.length);
  if (changed.length) window.dispatchEvent(new CustomEvent("net-changed", { detail: changed }));
}

watch("value", show);
watch("epochs", () => {
  showState();
  drawCharts();
});
showBeside();
show();
trigger("opened", { key, first: !window.hasSettings }); // which stay; see masthead.js
if (window.learnsMine) learnMine(); // who came by "Train with them"
awaitBroken();
