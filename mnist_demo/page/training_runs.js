// The list of runs: what became of each, and what can be done with it.

const rows = new Map();

// A name begins as what can be read, for those who say what they press.
const named = (text, n) => t("{what} (run {n})", { what: text, n });

function button(text, label, act) {
  const node = document.createElement("button");
  node.type = "button";
  node.textContent = text;
  node.setAttribute("aria-label", label);
  node.addEventListener("click", act);
  return node;
}

function part(name, parent) {
  const node = document.createElement("span");
  node.className = name;
  parent.append(node);
  return node;
}

async function save(run, kind) {
  say("");
  const file = await callOrSay("download", { run, kind });
  if (file.error) return say(sentence(file.error));
  saveAs(new Blob([bytesOf(file.content)], { type: file.type }), file.name);
}

// An address that opens this tab with the run's settings in the form, for a class say.
async function copyLink(run) {
  const address = new URL(`?${board.runs[run].link}`, location.href).href;
  try {
    await navigator.clipboard.writeText(address);
    const told = t("The link is copied. Whoever opens it finds the settings of run {n} in the form.", { n: board.runs[run].number });
    say(board.runs[run].also ? `${told} ${t("Your own digits are not among them.")}` : told, ".news");
  } catch {
    say(address, ".news"); // a browser that lets nobody copy: to be copied by hand
  }
}

let asked = null; // the run whose Delete was pressed once; a second press deletes

function ask(run) {
  asked = run;
  find(".asks").textContent = run ? t("Press again to delete run {n}", { n: board.runs[run].number }) : "";
  showRuns();
}

// "Same settings" was pressed, and they are in the form; see wiring.py.
window.addEventListener("settings-back", ({ detail: run }) => {
  if (!element.isConnected || !board.runs[run]) return;
  beside.checked = board.runs[run].also && storedDigits().length > 0;
  say(t("The settings of run {n} are in the form.", { n: board.runs[run].number }), ".news");
  document.getElementById("training-form").scrollIntoView({ block: "nearest" }); // on a phone far below
});

// Whoever does anything else has thought better of it.
for (const kind of ["pointerdown", "focusin"]) {
  document.addEventListener(kind, ({ target }) => asked && rows.get(asked)?.discard !== target && ask(null));
}
document.addEventListener("keydown", (event) => asked && event.key === "Escape" && ask(null));

function makeRow(id, run) {
  const item = document.createElement("li");
  const label = document.createElement("label");
  const tick = document.createElement("input");
  tick.type = "checkbox";
  tick.addEventListener("change", () => {
    chosen.set(id, tick.checked);
    drawCharts();
    showTogether();
  });
  label.append(tick);
  part(`swatch run-${run.colour}`, label);
  const name = part("name", label);
  const head = part("head", name);
  const title = part("title", head);
  const outcome = part("outcome", head);
  const settings = part("settings", name);
  const note = part("note", name);
  item.append(label);
  const figures = {};
  for (const [key, text] of [["validation", t("validation")], ["test", ""], ["time", t("time")]]) {
    const cell = part(`figure ${key}`, item);
    figures[key] = part("value", cell);
    part("what", cell).textContent = text;
  }
  const actions = part("actions", item);
  const n = run.number;
  const use = [
    button(t("Use in Draw"), named(t("Use in Draw"), n), () => trigger("use", { run: id, tab: "draw" })),
    button(t("Open in Gallery"), named(t("Open in Gallery"), n), () => trigger("use", { run: id, tab: "gallery" })),
    button(t("Net"), t("Net of run {n}, to download (safetensors)", { n }), () => save(id, "net")),
  ];
  const rest = [
    button(t("History"), t("History of run {n}, to download (CSV)", { n }), () => save(id, "history")),
    button(t("Curves"), t("Curves of run {n}, to download (PNG)", { n }), () => save(id, "curves")),
  ];
  const again = button(t("Same settings"), named(t("Same settings"), n), () => {
    say("");
    trigger("again", { run: id });
  });
  const link = button(t("Copy link"), named(t("Copy link"), n), () => copyLink(id));
  const goingOn = button(t("Resume"), named(t("Resume"), n), () => {
    if (performance.now() - pressed < 2000) return; // a double click
    pressed = performance.now();
    resume(id);
  });
  const discard = button("", "", () => {
    say("");
    if (asked !== id) return ask(id);
    ask(null);
    trigger("discard", { run: id, key, press: ++presses });
  });
  goingOn.className = "go-on primary";
  const down = document.createElement("span");
  down.className = "downloads";
  down.append("↓ ", use[2], ...rest);
  discard.className = "discard";
  actions.append(goingOn, use[0], use[1], again, link, down, discard);
  return { number: n, item, tick, title, outcome, settings, note, figures, use, rest, again, link, resume: goingOn, discard };
}

function showTogether() {
  const ticked = shownRuns().filter(([, run]) => run.usable && !run.together);
  find(".together").hidden = ticked.length < 2;
  const numbers = ticked.map(([, run]) => run.number).join(t(", "));
  const alike = ticked.every(([, run]) => run.reads === ticked[0][1].reads);
  const testing = Object.values(board.runs).some((run) => run.active && run.together); // one at a time
  find(".together button").disabled = find(".together select").disabled = ticked.length > board.members || !alike || testing;
  find(".together .which").textContent = !alike
    ? t("Runs {numbers} read images of different kinds", { numbers })
    : ticked.length > board.members
      ? t("At most {n} runs can answer together", { n: board.members })
      : t("Runs {numbers} can answer together, by", { numbers });
  return ticked.map(([id]) => id);
}

find(".together button").addEventListener("click", () => {
  say("");
  trigger("together", { runs: showTogether(), how: find(".together select").value, key, press: ++presses });
});

function showRuns() {
  const runs = ordered(); // each new row comes on top
  find(".list").hidden = runs.length === 0;
  for (const [id, row] of rows) {
    if (board.runs[id]) continue;
    if (runs.length >= board.most) say(t("Run {n} is gone: the newest {most} are kept.", { n: row.number, most: board.most }), ".news");
    row.item.remove();
    rows.delete(id);
    chosen.delete(id);
  }
  for (const [id, run] of runs) {
    if (!rows.has(id)) {
      rows.set(id, makeRow(id, run));
      find(".runs").prepend(rows.get(id).item);
    }
    const row = rows.get(id);
    row.tick.checked = isShown(id);
    row.tick.disabled = run.together; // it has no curves, and its nets can be ticked
    row.tick.setAttribute("aria-label", t("Show run {n} in the charts", { n: run.number }));
    const put = (node, text) => node.textContent !== text && (node.textContent = text);
    put(row.title, run.title);
    put(row.outcome, run.outcome);
    put(row.settings, run.failure || t("{data}, {settings}", run));
    put(row.note, run.note);
    const free = !Object.values(board.runs).some((other) => other.active);
    row.resume.hidden = !run.resumable;
    row.resume.disabled = !free;
    row.discard.hidden = run.active;
    row.again.hidden = row.link.hidden = run.together;
    const isAsked = asked === id;
    row.discard.classList.toggle("asked", isAsked);
    put(row.discard, t(isAsked ? "Really delete?" : run.resumable ? "Discard" : "Delete"));
    row.discard.setAttribute("aria-label", named(row.discard.textContent, run.number));
    row.item.classList.toggle("failed", Boolean(run.failure));
    row.figures.validation.parentElement.hidden = run.once;
    put(row.figures.validation, run.validation || "–");
    put(row.figures.test, run.test || "–");
    put(row.figures.test.nextSibling, run.test ? run.test_title : t(run.active ? "tested at the end" : "not tested"));
    put(row.figures.time, run.time || "–");
    for (const node of row.use) node.disabled = !run.usable;
    for (const node of row.rest) node.disabled = !run.steps;
  }
  find(".lasting").textContent = key && board.keeps
    ? t("tick to compare; the newest {most} are kept for {keeps} days, for this browser alone", board)
    : t("tick to compare; the newest {most} last as long as this page is open", board);
  showTogether();
}
