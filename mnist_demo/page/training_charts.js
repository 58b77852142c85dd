// The two charts: curves of all runs that are ticked, with a reading under the pointer, or at the
// epoch that arrow keys have come to.

const HEIGHT = 230;
const EDGE = { top: 10, right: 12, bottom: 34, left: 46 };
const MOST_ROWS = 12; // of a reading
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
  const label = (v) => t("{n} %", { n: +(v * 100).toFixed(1) });
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
    show: (v) => t("{n} %", { n: (100 * v).toFixed(2) }),
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
    const isEmpty = paths.every((p) => p.d === "M0 0");
    hint.style.display = isEmpty ? "" : "none";
    offerKeys(!isEmpty);
    if (pointer !== null) point(pointer);
  }

  const first = kind === "loss" ? 0 : 1;
  const last = () => Math.max(first, ...drawn.map((s) => (s.epochs.at(-1) ?? s.steps.at(-1) ?? [0])[0]));

  /** To the keyboard, and to readers of screens, a chart is a slider over the epochs. */
  function offerKeys(on) {
    const slider = { role: "slider", tabindex: 0, "aria-label": spec.title, "aria-valuemin": first, "aria-valuemax": last() };
    if (on) set(box, { "aria-valuenow": Math.min(box.getAttribute("aria-valuenow") ?? Infinity, last()), ...slider });
    else for (const name of [...Object.keys(slider), "aria-valuenow", "aria-valuetext"]) box.removeAttribute(name);
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
    const more = document.createElement("span");
    more.textContent = t("and {n} more", { n: rows.length - MOST_ROWS });
    tip.replaceChildren(head, ...rows.slice(0, MOST_ROWS).map(([run, name, value]) => {
      const row = document.createElement("span");
      const swatch = document.createElement("i");
      swatch.className = `swatch run-${run.colour}`;
      const number = document.createElement("em");
      number.textContent = spec.show(value);
      row.append(swatch, drawn.length > 1 ? t("run {n}, {what}", { n: run.number, what: name }) : name, " ", number);
      return row;
    }), ...(rows.length > MOST_ROWS ? [more] : []));
    const read = [...tip.children].map((row) => row.textContent).join(t(", "));
    if (box.hasAttribute("role")) set(box, { "aria-valuenow": +at.toFixed(1), "aria-valuetext": read });
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
  box.addEventListener("focus", () => box.matches(":focus-visible") && point(x(last())));
  box.addEventListener("blur", leave);
  box.addEventListener("keydown", (event) => {
    const here = pointer === null ? last() : Math.round(x.invert(pointer));
    const [on, back] = [here + 1, here - 1];
    const to = { ArrowRight: on, ArrowUp: on, ArrowLeft: back, ArrowDown: back, Home: first, End: last() }[event.key];
    if (event.key === "Escape") leave();
    if (to === undefined) return;
    event.preventDefault();
    point(x(Math.min(last(), Math.max(first, to))));
  });
  new ResizeObserver(() => box.clientWidth !== width && draw()).observe(box);
  return draw;
}

const draws = ["loss", "accuracy"].map(makeChart);
const drawCharts = () => draws.forEach((draw) => draw());
