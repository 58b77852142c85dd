// The gallery's state and wiring. `gallery_view.js` and `gallery_pictures.js` stand before this.
// Python listens to 'look' (evaluate, if need be) and 'open' (a digit to the sketchpad).

const find = (selector) => element.querySelector(selector);
const board = find(".board");
const dialog = find("dialog");
const retry = find(".board > .retry");
const ALL = { truth: null, predicted: null, right: false, group: null };

let summary = null; // of the net on show
let shown = ""; // the text that it came as
let chosen = ALL; // which digits
let page = 0;
let size = 0; // of the pages, until others are chosen: a phone is turned between two of them
let failed = false; // the page did not come
let items = []; // on this page
let total = 0; // on all pages
let asked = 0; // numbers the requests: only the last one's answer counts
let beside = ""; // the net to compare with, as chosen here
let looks = 0; // numbers what Python is asked, likewise
let open = 0; // place in `items` of the digit in the dialog
let opener = null; // where focus goes back to
let anew = false; // the net has learned on: what was chosen stays while it is looked at anew

const isShown = () => element.offsetWidth > 0;

// ---- what Python says -------------------------------------------------------------

const LATE = 10000; // milliseconds without a word
let waiting = 0;
let late = 0;
let reading = null; // how far the net is with its pictures, as far as is known

function receive() {
  if (!props.value) return;
  const { asked: question, ...value } = JSON.parse(props.value);
  if (question !== looks) return;
  clearTimeout(late);
  nouns = NOUNS[value.noun] ?? nouns;
  if (value.state === "busy") {
    reading = value;
    if (board.dataset.state === "busy") sayBusy();
    late = setTimeout(sayLate, LATE);
    return;
  }
  clearTimeout(waiting);
  if (value.state === "error") {
    summary = null;
    shown = "";
    anew = false;
    say("error", sentence(value.message));
  } else {
    say("ready", "");
    const { others, ...rest } = value;
    renderOthers(others);
    if (JSON.stringify(rest) === shown) { // back from another tab: keep the place
      if (failed || anew) load();
      anew = false;
      return;
    }
    shown = JSON.stringify(rest);
    summary = value;
    renderSummary();
    choose(anew && (value.comparison?.counts || !chosen.group) ? chosen : wantedFirst(value.comparison));
    anew = false;
  }
}

/** `stuck`: nothing more comes by itself. */
function say(state, message, stuck = state === "error") {
  const at = document.activeElement;
  board.dataset.state = state;
  const told = find(".message");
  if (told.textContent !== message) told.textContent = message; // else it is read out again
  find(".parts").inert = state !== "ready";
  find(".reading").hidden = true;
  if (state === "error") {
    find(".headline").textContent = t("Nothing to show yet");
    find(".about").textContent = "";
  }
  retry.hidden = !stuck && !(state === "busy" && at === retry); // pressed, it keeps the focus
  disable(retry, !stuck);
  keepFocus(at, ".headline");
}

/** Where the focus goes when what had it, `at`, is out of reach; else the page's top would get it. */
function keepFocus(at, place) {
  if (element.contains(at) && at.closest("[hidden], [inert]")) find(place).focus({ preventScroll: true });
}

function sayBusy() {
  if (!reading) return say("busy", t("Asking the network…"));
  const { done, total } = reading;
  say("busy", t("Evaluating {count}…", { count: counted(total) }));
  find(".reading .bar").setAttribute("aria-valuenow", Math.round((100 * done) / total));
  find(".reading .fill").style.width = `${(100 * done) / total}%`;
  find("#gallery-read").textContent = filled(nouns.read, { done: grouped(done), total: grouped(total) });
  find(".reading").hidden = false;
}

/** What to show before anything is chosen: where two nets differ, or all mistakes of one. */
function wantedFirst(comparison) {
  const { first, second } = comparison?.counts ?? {};
  if (first || second) return { ...ALL, group: first ? "first" : "second" };
  return ALL;
}

function renderOthers(others) {
  const select = find(".versus select");
  if (!others.some(([, choice]) => choice === beside)) beside = "";
  select.replaceChildren(...otherOptions(others));
  select.value = beside;
  select.disabled = others.length === 0;
}

function renderComparison({ comparison, name }) {
  const told = comparison?.counts;
  find(".groups").replaceChildren(...(told ? groupButtons(comparison) : []));
  const why = comparison?.error;
  find(".versus .note").textContent = told
    ? t("A is {a}, B is {b}. {note}", { a: name, b: comparison.name, note: comparison.note })
    : sentence(why ?? "");
}

function renderSummary() {
  const { wrong, total, accuracy, name, data, floor } = summary;
  find(".headline").textContent =
    t("{wrong} of {total} wrong", { wrong: grouped(wrong), total: grouped(total) }) + " · " +
    t("accuracy {percent}", { percent: percent(accuracy, 2) }).replace(" ", "\u00a0");
  find(".about").textContent = t("{name} on the {data}. It was trained on none of them.", { name, data });
  renderComparison(summary);
  board.classList.toggle("named", summary.labels.some((label) => label.length > 2));
  find(".rows").textContent = nouns.rows;
  find(".each").textContent = nouns.each;
  find(".by-truth").textContent = nouns.byTruth;
  find(".details .primary").hidden = summary.noun !== "digits";
  find(".matrix").replaceChildren(...matrixRows(summary));
  find(".matrix button").tabIndex = 0;
  find(".floor").textContent = t("The bars run from {floor} % to 100 %.", { floor: Math.round(100 * floor) });
  find(".classes").replaceChildren(...classBars(summary));
  find(".calibration").textContent =
    t("How often it is right, by how sure it is; a line marks its mean confidence. On average they are {error} apart (expected calibration error).", { error: percent(summary.calibration_error, 2) });
  find(".reliability").replaceChildren(...reliabilityBars(summary));
}

// ---- which digits -------------------------------------------------------------------

function choose(wanted) {
  chosen = wanted;
  const key = JSON.stringify(wanted);
  for (const button of element.querySelectorAll("[data-wanted][aria-pressed]"))
    button.setAttribute("aria-pressed", String(button.dataset.wanted === key));
  find(".reset").hidden = key === JSON.stringify(ALL);
  return loadFirst();
}

function loadFirst() {
  page = 0;
  size = window.matchMedia("(max-width: 640px)").matches ? 24 : 48;
  return load();
}

const bounds = (selector) => find(selector).getBoundingClientRect();
const isOneColumn = () => bounds(".digits").bottom <= bounds(".overview").top;

/** The pictures lie above the matrix there, mostly out of sight: the view and the focus go to them. */
function goToPictures() {
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  find(".showing").focus({ preventScroll: true });
  find(".showing").scrollIntoView({ behavior: still ? "auto" : "smooth", block: "start" });
}

function describeChoice(total) {
  const { truth, predicted, right, group } = chosen;
  const name = (index) => summary.labels[index];
  let what = t("All mistakes");
  if (group) what = groupNames[group];
  else if (right) what = truth === null ? t("Right answers") : filled(nouns.right, { truth: name(truth) });
  else if (truth !== null && predicted !== null) what = filled(nouns.as, { truth: name(truth), answer: name(predicted) });
  else if (truth !== null) what = t("All mistakes with {name}", { name: name(truth) });
  else if (predicted !== null) what = t("All taken for {name}", { name: name(predicted) });
  return `${what} · ${counted(total)}`;
}

async function load() {
  const number = ++asked;
  const sort = find(".sort select").value;
  const other = summary.comparison?.other ?? null;
  find(".digits").setAttribute("aria-busy", "true");
  const answer = await callOrSay("page_of", { choice: summary.choice, ...chosen, other, sort, page, size });
  if (number === asked && answer.unread) return lookAnew();
  const sheet = answer.error ? null : await picture(answer.sprite);
  if (number !== asked) return;
  const at = document.activeElement;
  failed = Boolean(answer.error);
  find(".digits").removeAttribute("aria-busy");
  items = (answer.items ?? []).map((item, place) => ({
    ...item,
    picture: {
      sheet,
      side: answer.side,
      column: place % answer.columns,
      row: Math.floor(place / answer.columns),
    },
  }));
  find(".tiles").replaceChildren(...items.map((item) => tile(item, summary.labels)));
  if (items.length) find(".tile").tabIndex = 0;
  total = answer.total ?? 0;
  renderEmpty(answer);
  renderPager();
  if (failed) find(".nothing").scrollIntoView({ block: "nearest" }); // the page is short now
  keepFocus(at, failed ? ".nothing .retry" : ".showing");
}

async function picture(base64) {
  const image = new Image();
  image.src = `data:image/png;base64,${base64}`;
  await image.decode();
  return image;
}

function renderEmpty(answer) {
  const spotless = !failed && summary.wrong === 0 && !chosen.right;
  find(".showing").textContent = failed ? "" : describeChoice(answer.total);
  find(".nothing").hidden = items.length > 0;
  find(".nothing p").textContent = failed
    ? filled(nouns.unshown, { why: answer.error })
    : spotless
      ? t("It reads every one of these {count} right.", { count: counted(summary.total) })
      : nouns.none;
  find(".nothing .unsure").hidden = !spotless;
  find(".nothing .retry").hidden = !failed;
}

const hasPage = (step) => page + step >= 0 && (page + step) * size < total;

function renderPager() {
  const from = page * size;
  find(".pager").hidden = total === 0;
  find(".range").textContent =
    t("{from}–{to} of {total}", { from: grouped(from + 1), to: grouped(from + items.length), total: grouped(total) });
  disable(find(".pager .previous"), !hasPage(-1));
  disable(find(".pager .next"), !hasPage(1));
}

/** Not `disabled`: that would throw the focus away at the last page. */
function disable(button, off) {
  button.setAttribute("aria-disabled", String(off));
}

const isLoading = () => find(".digits").hasAttribute("aria-busy");

async function turn(step) {
  if (isLoading()) return; // the answer says whether there is one more
  page += step;
  await load();
}

// ---- one digit ----------------------------------------------------------------------

function showDigit(place) {
  open = place;
  const item = items[place];
  const { labels } = summary;
  const [truth, predicted] = [labels[item.truth], labels[item.predicted]];
  const verdict = find(".details .verdict");
  verdict.setAttribute("aria-live", dialog.open ? "polite" : "off"); // it names the dialog: said once
  const answer = item.other
    ? t("A says {a}, B says {b}", { a: predicted, b: labels[item.other.predicted] })
    : filled(nouns.answer, { answer: predicted });
  const right = truth === predicted && !item.other;
  const [both, but] = [t("{answer}; it is {truth}", { answer, truth }), t("{answer}, but it is {truth}", { answer, truth })];
  verdict.textContent = right ? t("{answer}, and right", { answer }) : item.other ? both : but;
  paint(find(".details .picture"), item.picture);
  find(".facts").replaceChildren(...facts(item));
  find(".probabilities").replaceChildren(...probabilityBars(item, labels));
  disable(find(".details .previous"), !items[place - 1] && !hasPage(-1));
  disable(find(".details .next"), !items[place + 1] && !hasPage(1));
  opener = element.querySelectorAll(".tile")[place];
  if (!dialog.open) dialog.showModal();
}

/** To the digit before or after, which may be on another page. */
async function step(by) {
  if (items[open + by]) return showDigit(open + by);
  if (!hasPage(by) || isLoading()) return;
  await turn(by);
  if (isLoading() || !dialog.open) return;
  if (items.length) return showDigit(by > 0 ? 0 : items.length - 1);
  dialog.close(); // what is wrong stands below it
  find(".nothing .retry").focus();
}

// ---- wiring -------------------------------------------------------------------------

/** Clicks on buttons below `selector` that are not switched off. */
function onButton(selector, act) {
  find(selector).addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button && button.getAttribute("aria-disabled") !== "true") act(button);
  });
}

roving(find(".matrix"));
roving(find(".tiles"));
onButton(".matrix", async (button) => {
  const pressed = button.getAttribute("aria-pressed") === "true";
  await choose(pressed ? ALL : JSON.parse(button.dataset.wanted));
  if (isOneColumn()) goToPictures();
});
onButton(".groups", (button) => choose(JSON.parse(button.dataset.wanted)));
find(".versus select").addEventListener("change", (event) => {
  beside = event.target.value;
  look();
});
onButton(".reset", () => {
  choose(ALL);
  find(".sort select").focus({ preventScroll: true }); // the button hides itself
});
onButton(".nothing .unsure", () => choose({ ...ALL, right: true }));
onButton(".nothing .retry", look);
onButton(".board > .retry", look);
onButton(".pager .previous", () => turn(-1));
onButton(".pager .next", () => turn(1));
onButton(".tiles", (button) => showDigit([...find(".tiles").children].indexOf(button)));
onButton(".details .close", () => dialog.close());
onButton(".details .previous", () => step(-1));
onButton(".details .next", () => step(1));
onButton(".details .primary", () => {
  dialog.close();
  trigger("open", { index: items[open].index });
});
find(".sort select").addEventListener("change", loadFirst);
wireDrawn();
dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
dialog.addEventListener("close", () => opener?.focus());
dialog.addEventListener("keydown", (event) => {
  if (event.key === "ArrowLeft") step(-1);
  if (event.key === "ArrowRight") step(1);
});

/** Asks for what is to be shown: the net at the top of the page, beside the one chosen here. */
function look() {
  trigger("look", { asked: ++looks, other: beside || null });
  reading = null;
  clearTimeout(waiting);
  waiting = setTimeout(sayBusy, board.dataset.state === "ready" ? 150 : 0); // no flicker when quick
  clearTimeout(late);
  late = setTimeout(sayLate, LATE);
}

/** A net that learned on has other answers than those on show. */
function lookAnew() {
  anew = true;
  if (dialog.open) {
    opener = find(".showing");
    dialog.close();
  }
  look();
}

/** Who is refused a place in the queue is told so by Gradio alone, and not this component. */
function sayLate() {
  say("busy", t("No answer yet: many are asking. Wait, or try again."), true);
}

let wasShown = false;
new ResizeObserver(() => {
  if (isShown() && !wasShown) look();
  // A digit was opened in the sketchpad: the focus would be lost with the tab.
  if (!isShown() && element.contains(document.activeElement))
    document.querySelector("#sketchpad .pad canvas").focus();
  wasShown = isShown();
}).observe(element);
window.addEventListener("net-chosen", () => {
  anew = false;
  if (element.isConnected && isShown()) look();
});
watch("value", receive);
