// The training board. Python sends all runs as data; this draws them in place.
// `element`, `props`, `trigger`, `server` and `watch` come from Gradio.

const root = element.querySelector(".board");
const find = (selector) => root.querySelector(selector);
const HEIGHT = 230;
const EDGE = { top: 10, right: 12, bottom: 34, left: 46 };
const chosen = new Map(); // run -> whether the visitor ticked it; others: the newest alone
let board = { now: null, runs: {} };
let stopping = false;
let presses = 0; // of buttons that the server may refuse, which it says by their numbers
let refused = 0; // the last press that was
let pressed = -Infinity; // when Train was, until its run shows itself: against a double click

const ordered = () => Object.entries(board.runs).sort((a, b) => a[1].number - b[1].number);
const newest = () => ordered().filter(([, run]) => !run.together).at(-1)?.[0];
const isShown = (id) => (chosen.has(id) ? chosen.get(id) : id === newest());
const shownRuns = () => ordered().filter(([id]) => isShown(id));
const planned = () => Math.max(1, Math.round(props.epochs) || 1); // epochs, as the form has them
const table = (text) => text.split(";").filter(Boolean).map((row) => row.split(" ").map(Number));

// ---- charts ----

const SVG = "http://www.w3.org/2000/svg";

function make(name, attributes = {}, parent = null) {
  const node = document.createElementNS(SVG, name);
  for (const key in attributes) node.setAttribute(key, attributes[key]);
  parent?.append(node);
  return node;
}

function niceStep(span, most) {
  const rough = span / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((n) => n * power).find((step) => step >= rough);
}

// A scale from values to [0, 1] with the ticks to label; log for the loss.
function lossScale(series) {
  const marks = [];
  for (let power = -6; power <= 6; power++) marks.push(10 ** power, 3 * 10 ** power);
  const steps = series.flatMap((s) => s.steps.map((p) => p[1])).sort((a, b) => a - b);
  const means = series.flatMap((s) => s.epochs.flatMap((p) => [p[1], p[2]]));
  // A single lucky batch must not stretch the axis: the lowest tenth may leave it.
  const low = Math.min(0.3, ...means, ...(steps.length ? [steps[Math.floor(steps.length / 10)]] : []));
  const high = Math.max(3, ...means, ...(steps.length ? [steps[Math.floor(steps.length * 0.98)]] : []));
  const bottom = marks.findLast((m) => m <= low * 1.0001) ?? marks[0];
  const top = marks.find((m) => m >= high * 0.9999) ?? marks.at(-1);
  const place = (v) => Math.log(Math.max(v, 1e-9) / bottom) / Math.log(top / bottom);
  const ticks = marks.filter((m) => m >= bottom * 0.999 && m <= top * 1.001);
  const every = Math.ceil(ticks.length / 8);
  return { place, ticks: ticks.filter((_, i) => i % every === 0), label: (v) => String(+v.toPrecision(2)) };
}

function accuracyScale(series) {
  const worst = Math.min(1, ...series.flatMap((s) => s.epochs.flatMap((p) => [p[3], p[4]])));
  const bottom = [0.98, 0.95, 0.9, 0.8, 0.5].find((m) => m < worst - 0.002 && (worst < 1 || m === 0.9)) ?? 0;
  const ticks = [0, 1, 2, 3, 4, 5].map((i) => bottom + ((1 - bottom) * i) / 5);
  const label = (v) => `${+(v * 100).toFixed(1)}%`;
  return { place: (v) => (v - bottom) / (1 - bottom), ticks, label };
}

const CHARTS = {
  loss: {
    title: t("loss by epochs"),
    scale: lossScale,
    empty: t("The curve starts with the first batches"),
    lines: (s) => ({
      batches: s.steps,
      train: s.epochs.map((p) => [p[0], p[1]]),
      validation: s.epochs.map((p) => [p[0], p[2]]),
    }),
    show: (v) => v.toPrecision(3),
  },
  accuracy: {
    title: t("accuracy by epochs"),
    scale: accuracyScale,
    empty: t("The first points come after one epoch"),
    lines: (s) => ({
      train: s.epochs.map((p) => [p[0], p[3]]),
      validation: s.epochs.map((p) => [p[0], p[4]]),
    }),
    show: (v) => `${(100 * v).toFixed(2)}%`,
  },
};

function makeChart(kind) {
  const spec = CHARTS[kind];
  const box = find(`.chart[data-kind="${kind}"] .plot`);
  const svg = make("svg", { height: HEIGHT, role: "img", "aria-label": spec.title }, box);
  const clip = make("rect", {}, make("clipPath", { id: `clip-${kind}` }, make("defs", {}, svg)));
  const grid = make("g", { class: "grid" }, svg);
  const axis = make("text", { class: "axis", "text-anchor": "middle" }, svg);
  axis.textContent = t("epochs");
  const series = make("g", { "clip-path": `url(#clip-${kind})` }, svg);
  const dots = make("g", {}, svg);
  const rule = make("line", { class: "rule", visibility: "hidden" }, svg);
  const hint = make("text", { class: "hint", "text-anchor": "middle" }, svg);
  hint.textContent = spec.empty;
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  box.append(tip);
  let drawn = [];
  let pointer = null; // where the mouse is, in pixels of the chart
  let x = null;
  let width = 0;

  // As many children as values, each dressed in place: nothing is thrown away and made anew.
  function dress(parent, name, values, put) {
    while (parent.childElementCount > values.length) parent.lastElementChild.remove();
    while (parent.childElementCount < values.length) make(name, {}, parent);
    values.forEach((value, i) => put(parent.children[i], value));
  }

  const set = (node, attributes) => {
    for (const key in attributes) {
      if (node.getAttribute(key) !== String(attributes[key])) node.setAttribute(key, attributes[key]);
    }
  };

  function draw() {
    width = box.clientWidth;
    if (!width) return; // the tab is hidden; the observer calls again when it is not
    const right = width - EDGE.right;
    const bottom = HEIGHT - EDGE.bottom;
    drawn = shownRuns().map(([id, run]) => ({ id, run, steps: table(run.steps), epochs: table(run.epochs) }));
    const scale = spec.scale(drawn);
    const span = Math.max(...(drawn.length ? drawn.map((s) => s.run.length) : [planned()]));
    const step = Math.max(1, niceStep(span, 6));
    const across = [];
    for (let tick = 0; tick <= span; tick += step) across.push(tick);
    x = (v) => EDGE.left + (v / span) * (right - EDGE.left);
    x.invert = (px) => ((px - EDGE.left) / (right - EDGE.left)) * span;
    const y = (v) => bottom - Math.min(1.2, Math.max(-0.2, scale.place(v))) * (bottom - EDGE.top);

    set(svg, { width, viewBox: `0 0 ${width} ${HEIGHT}` });
    set(clip, { x: EDGE.left, y: EDGE.top - 3, width: right - EDGE.left + 4, height: bottom - EDGE.top + 6 });
    set(axis, { x: (EDGE.left + right) / 2, y: HEIGHT - 4 });
    set(rule, { y1: EDGE.top, y2: bottom });
    set(hint, { x: (EDGE.left + right) / 2, y: (EDGE.top + bottom) / 2 });
    const marks = [
      ...scale.ticks.map((v) => ({ x1: EDGE.left, x2: right, y1: y(v), y2: y(v), text: scale.label(v), tx: EDGE.left - 7, ty: y(v) + 4, anchor: "end" })),
      ...across.map((v) => ({ x1: x(v), x2: x(v), y1: bottom, y2: bottom + 4, text: String(v), tx: x(v), ty: bottom + 17, anchor: "middle" })),
    ];
    dress(grid, "g", marks, (group, m) => {
      if (!group.firstChild) make("line", {}, group), make("text", {}, group);
      set(group.firstChild, { x1: m.x1, x2: m.x2, y1: m.y1, y2: m.y2 });
      set(group.lastChild, { x: m.tx, y: m.ty, "text-anchor": m.anchor });
      if (group.lastChild.textContent !== m.text) group.lastChild.textContent = m.text;
    });

    const paths = [];
    const points = [];
    for (const s of drawn) {
      const lines = spec.lines(s);
      for (const name in lines) {
        const at = lines[name].map(([a, b]) => [x(a).toFixed(1), y(b).toFixed(1)]);
        paths.push({ colour: s.run.colour, name, d: at.length ? `M${at.map((p) => p.join(" ")).join("L")}` : "M0 0" });
        if (name !== "batches") at.forEach(([cx, cy]) => points.push({ colour: s.run.colour, name, cx, cy }));
      }
    }
    dress(series, "path", paths, (node, p) => set(node, { d: p.d, class: `${p.name} run-${p.colour}` }));
    dress(dots, "circle", points, (node, p) => set(node, { cx: p.cx, cy: p.cy, r: 2.6, class: `${p.name} run-${p.colour}` }));
    hint.style.display = paths.some((p) => p.d !== "M0 0") ? "none" : "";
    if (pointer !== null) point(pointer);
  }

  function point(px) {
    pointer = px;
    const place = Math.max(0, x.invert(px));
    const rows = [];
    let at = null;
    for (const s of drawn) {
      const last = s.epochs.length;
      const epoch = last ? s.epochs[Math.min(last, Math.max(1, Math.round(place))) - 1] : null;
      if (kind === "loss" && s.steps.length) {
        const near = s.steps.reduce((a, b) => (Math.abs(b[0] - place) < Math.abs(a[0] - place) ? b : a));
        at ??= near[0];
        rows.push([s.run, t("batches"), near[1]]);
      } else if (epoch) {
        at ??= epoch[0];
      }
      if (epoch && (kind === "accuracy" || Math.abs(epoch[0] - place) <= 0.5)) {
        const [train, validation] = kind === "loss" ? [epoch[1], epoch[2]] : [epoch[3], epoch[4]];
        rows.push([s.run, t("training"), train], [s.run, t("validation"), validation]);
      }
    }
    rule.setAttribute("visibility", at === null ? "hidden" : "visible");
    tip.hidden = at === null;
    if (at === null) return;
    set(rule, { x1: x(at), x2: x(at) });
    const head = document.createElement("b");
    head.textContent = t("epoch {n}", { n: +at.toFixed(1) });
    tip.replaceChildren(head, ...rows.slice(0, 12).map(([run, name, value]) => {
      const row = document.createElement("span");
      const swatch = document.createElement("i");
      swatch.className = `swatch run-${run.colour}`;
      const number = document.createElement("em");
      number.textContent = spec.show(value);
      row.append(swatch, drawn.length > 1 ? t("run {n}, {what}", { n: run.number, what: name }) : name, number);
      return row;
    }));
    const left = x(at) + 12 + tip.offsetWidth > width ? x(at) - 12 - tip.offsetWidth : x(at) + 12;
    tip.style.left = `${Math.max(0, left)}px`;
  }

  const leave = () => {
    pointer = null;
    rule.setAttribute("visibility", "hidden");
    tip.hidden = true;
  };
  const move = (event) => x && point(event.clientX - svg.getBoundingClientRect().left);
  svg.addEventListener("pointermove", move);
  svg.addEventListener("pointerdown", move);
  svg.addEventListener("pointerleave", leave);
  svg.addEventListener("pointercancel", leave);
  new ResizeObserver(() => box.clientWidth !== width && draw()).observe(box);
  return draw;
}

const draws = ["loss", "accuracy"].map(makeChart);
const drawCharts = () => draws.forEach((draw) => draw());

// ---- what the server keeps of this browser's runs, under a name that only it knows ----

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

// ---- a reload breaks a run off, and the same tab then goes on with it ----

const GOING = "mnist-demo-going"; // when the run began that the page was left with; see masthead.js
const TRIES = 15; // seconds within which the server has noticed that the page is gone
let broken = null; // the run to go on with, by when it began

function noteGoing({ type }) {
  const run = board.runs[board.now?.run];
  const isGoing = ["waiting", "training"].includes(board.now?.status) && !stopping;
  const isLeft = type === "pagehide" || document.hidden;
  try {
    if (isGoing && isLeft) sessionStorage.setItem(GOING, run.begun);
    else sessionStorage.removeItem(GOING);
  } catch {
    // a browser that stores nothing keeps no run either
  }
}

function goOn() {
  const [id, run] = ordered().find(([, run]) => String(run.begun) === broken) ?? [];
  if (!run) return; // the server still has it as going on
  broken = null;
  if (!run.resumable) return;
  resume(id);
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

// ---- the screen stays on while a run is: in the dark a phone drops the page ----

let awake = null;

function stayAwake() {
  const isWanted = ["waiting", "training", "testing"].includes(board.now?.status) && !document.hidden;
  if (isWanted === Boolean(awake)) return;
  if (!isWanted) awake.then((lock) => lock?.release());
  awake = isWanted ? (navigator.wakeLock?.request("screen").catch(() => null) ?? null) : null;
}

document.addEventListener("visibilitychange", stayAwake);

// ---- buttons and progress ----

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
    showState();
  }
  const answer = await server.switch({ action, value }).catch(() => ({ error: t("the server cannot be reached") }));
  if (answer?.error) {
    stopping = false;
    say(answer.error);
    showState();
  }
}

find(".start").addEventListener("click", () => {
  if (performance.now() - pressed < 2000) return;
  pressed = performance.now();
  say("");
  trigger("train", { key, press: ++presses });
});
function resume(run) {
  say("");
  trigger("resume", { run, key, press: ++presses });
}

for (const action of ["pause", "resume", "stop"]) {
  find(`.${action}`).addEventListener("click", () => turn(action));
}
const rate = find(".rate input");
rate.addEventListener("change", () => turn("rate", rate.valueAsNumber));
// Its values lie between 0.00001 and 1, where a browser's own step is 1.
rate.addEventListener("keydown", (event) => {
  const by = { ArrowUp: 1.25, ArrowDown: 0.8 }[event.key];
  if (!by || !rate.value) return;
  event.preventDefault();
  rate.value = +Math.min(rate.max, Math.max(rate.min, rate.value * by)).toPrecision(2);
});
rate.addEventListener("keyup", (event) => event.key.startsWith("Arrow") && turn("rate", rate.valueAsNumber));
rate.addEventListener("wheel", () => rate.blur(), { passive: true });

// ---- the list of runs ----

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
  const file = await server.download({ run, kind }).catch(() => ({ error: t("the server cannot be reached") }));
  if (file.error) return say(file.error);
  const bytes = Uint8Array.from(atob(file.content), (letter) => letter.charCodeAt(0));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes], { type: file.type }));
  link.download = file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// An address that opens this tab with the run's settings in the form, for a class say.
async function copyLink(run) {
  const address = new URL(`?${board.runs[run].link}`, location.href).href;
  try {
    await navigator.clipboard.writeText(address);
    say(t("The link is copied. Whoever opens it finds the settings of run {n} in the form.", { n: board.runs[run].number }), ".news");
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
    trigger("again", { run: id });
    document.getElementById("training-form").scrollIntoView({ block: "nearest" });
  });
  const link = button(t("Copy link"), named(t("Copy link"), n), () => copyLink(id));
  const goingOn = button(t("Resume"), named(t("Resume"), n), () => {
    goingOn.disabled = true; // against a double click, until the run shows itself
    setTimeout(() => (goingOn.disabled = false), 2000);
    resume(id);
  });
  const discard = button("", "", () => {
    say("");
    if (asked !== id) return ask(id);
    ask(null);
    trigger("discard", { run: id, key, press: ++presses });
  });
  goingOn.className = "primary";
  const down = document.createElement("span");
  down.className = "downloads";
  down.append("↓ ", use[2], ...rest);
  discard.className = "discard";
  actions.append(goingOn, use[0], use[1], again, link, down, discard);
  return { number: n, item, tick, title, outcome, settings, note, figures, use, rest, again, link, resume: goingOn, discard };
}

const MOST = 5; // nets that answer together

function showTogether() {
  const ticked = shownRuns().filter(([, run]) => run.usable && !run.together);
  find(".together").hidden = ticked.length < 2;
  const numbers = ticked.map(([, run]) => run.number).join(t(", "));
  const alike = ticked.every(([, run]) => run.reads === ticked[0][1].reads);
  find(".together button").disabled = find(".together select").disabled = ticked.length > MOST || !alike;
  find(".together .which").textContent = !alike
    ? t("Runs {numbers} read images of different kinds", { numbers })
    : ticked.length > MOST
      ? t("At most {n} runs can answer together", { n: MOST })
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
