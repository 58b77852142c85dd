// The race's board. Python sends all texts and places as data; this puts them in their places.
// `element`, `props`, `trigger`, `server` and `watch` come from Gradio.

const root = element.querySelector(".race");
const find = (selector) => root.querySelector(selector);
const ACTIVE = ["waiting", "preparing", "racing"];
const lanes = new Map(); // a runner's name -> the parts of its lane
let board = props.value;
let stopping = false;
let presses = 0; // of Start, which the server may refuse; it says so by their numbers
let refused = 0; // the last press that was
let pressed = -Infinity; // when Start was: against a double click, until the race shows itself

function make(tag, name, parent) {
  const node = document.createElement(tag);
  node.className = name;
  parent.append(node);
  return node;
}

const put = (node, text) => node.textContent !== text && (node.textContent = text);

function makeLane(name) {
  const item = make("li", "lane", find(".lanes"));
  item.dataset.runner = name;
  const head = make("div", "head", item);
  const label = make("label", "who", head);
  const tick = make("input", "", label);
  tick.type = "checkbox";
  tick.checked = true;
  tick.addEventListener("change", show);
  const title = make("span", "title", label);
  const figures = make("span", "figures", head);
  const time = make("span", "time", figures);
  const accuracy = make("span", "accuracy", figures);
  const track = make("div", "track", item);
  track.setAttribute("role", "progressbar");
  track.setAttribute("aria-valuemin", "0");
  track.setAttribute("aria-valuemax", "100");
  const done = make("div", "done", track);
  const runner = make("div", "runner", track);
  const foot = make("div", "foot", item);
  const what = make("span", "what", foot);
  const about = make("span", "about", what);
  what.append(" ");
  const source = make("a", "source", what);
  source.target = "_blank";
  source.rel = "noopener";
  source.textContent = "↗";
  const note = make("span", "note", foot);
  return { item, tick, title, time, accuracy, track, done, runner, about, source, note };
}

function showLane(name, state, active) {
  if (!lanes.has(name)) lanes.set(name, makeLane(name));
  const lane = lanes.get(name);
  lane.item.dataset.state = active && !state.in ? "out" : state.state;
  lane.item.classList.toggle("reached", state.reached);
  lane.tick.disabled = active;
  put(lane.title, state.title);
  put(lane.time, state.time);
  put(lane.accuracy, state.accuracy);
  put(lane.about, state.about);
  put(lane.note, state.note);
  lane.source.hidden = !state.source;
  if (state.source) {
    lane.source.href = state.source;
    lane.source.setAttribute("aria-label", `${state.title} ↗`);
  }
  const part = `${100 * state.part}%`;
  lane.done.style.width = part;
  lane.runner.style.left = part;
  lane.track.setAttribute("aria-valuenow", Math.round(100 * state.part));
  lane.track.setAttribute("aria-label", state.title);
}

const chosen = () => [...lanes].filter(([, lane]) => lane.tick.checked).map(([name]) => name);

const download = () => document.querySelector("#training-fetch");

function say(text) {
  find(".alert").hidden = !text;
  put(find(".alert"), text || "");
}

function show() {
  const at = document.activeElement;
  const active = ACTIVE.includes(board.status);
  if (!active) stopping = false;
  else pressed = -Infinity;
  root.dataset.status = board.status;
  for (const name in board.lanes) showLane(name, board.lanes[name], active);
  find(".start").disabled = active || chosen().length < 2;
  find(".stop").disabled = !active || stopping;
  put(find(".text"), board.text);
  put(find(".clock"), ["idle", "waiting", "preparing"].includes(board.status) ? "" : board.clock);
  find(".warning").hidden = !board.warning;
  put(find(".warning span"), board.warning);
  find(".to-download").hidden = !download();
  put(find(".digits"), board.digits);
  put(find(".machine"), board.machine);
  const list = find(".outcome");
  list.hidden = board.outcome.length === 0;
  while (list.childElementCount > board.outcome.length) list.lastElementChild.remove();
  board.outcome.forEach((line, i) => put(list.children[i] ?? make("li", "", list), line));
  // Not to Stop: a second Enter would press it.
  if (root.contains(at) && at.disabled) find(".text").focus({ preventScroll: true });
}

find(".start").addEventListener("click", () => {
  if (performance.now() - pressed < 2000) return;
  pressed = performance.now();
  say("");
  trigger("race", { runners: chosen(), press: ++presses });
});

find(".to-download").addEventListener("click", () => download()?.focus()); // and into view

find(".stop").addEventListener("click", async () => {
  say("");
  stopping = true;
  show();
  const { error } = await callOrSay("stop", {});
  if (!error) return;
  stopping = false;
  say(sentence(error));
  trigger("opened", {}); // whether it is on
  show();
});

const hear = askInSilence(() => ACTIVE.includes(board.status), () => trigger("opened", {}));

watch("value", () => {
  hear();
  board = props.value || board;
  if (board.refused?.press > refused) {
    refused = board.refused.press;
    pressed = -Infinity;
    say(sentence(board.refused.text));
  }
  show();
});
// The page's first value is in no visitor's language: nothing is shown before the answer below.
find(".start").disabled = find(".stop").disabled = true;

// What it runs on, and whether a race of this page is on, are asked for when somebody looks.
root.addEventListener("toggle", () => root.open && trigger("opened", {}));
