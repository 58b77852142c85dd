// What the network makes of the drawing: ten bars, the strip of what it sees, the verdict.
// Bars.

const bars = Array.from({ length: 10 }, (_, digit) => {
  const row = document.createElement("div");
  row.className = "bar";
  row.setAttribute("role", "meter");
  row.setAttribute("aria-label", t("digit {digit}", { digit }));
  row.setAttribute("aria-valuemin", "0");
  row.setAttribute("aria-valuemax", "100");
  const [name, track, fill, figure] = ["span", "span", "i", "span"].map((tag) => document.createElement(tag));
  name.textContent = digit;
  track.className = "track";
  figure.className = "figure";
  track.append(fill);
  row.append(name, track, figure);
  find(".bars").append(row);
  return { row, fill, figure };
});

const rounded = (p) => (p >= 0.9995 ? "100" : p < 0.0005 ? "0" : (100 * p).toFixed(p < 0.1 || p > 0.99 ? 1 : 0));
const percent = (p) => t("{n} %", { n: rounded(p) });

function showBars(probabilities, read = []) {
  const best = probabilities ? Math.max(...probabilities) : 2;
  bars.forEach(({ row, fill, figure }, digit) => {
    const p = probabilities ? probabilities[digit] : 0;
    fill.style.transform = `scaleX(${p})`;
    figure.textContent = probabilities ? percent(p) : "";
    row.classList.toggle("best", p === best || read.includes(digit));
    row.setAttribute("aria-valuenow", (100 * p).toFixed(1));
  });
}

// What the network sees.

function greyImage(bytes, width, height) {
  const image = new ImageData(width, height);
  for (let i = 0; i < bytes.length; i++) {
    image.data.fill(bytes[i], 4 * i, 4 * i + 3);
    image.data[4 * i + 3] = 255;
  }
  return image;
}

function blacken(canvas) {
  const context = canvas.getContext("2d");
  context.fillStyle = "#000";
  context.fillRect(0, 0, canvas.width, canvas.height);
  return context;
}

let stripAnswer = null;
let stripDue = null;

// At most ten times a second: painting it more often would take the time from pen and bars.
function showStrip(answer) {
  stripAnswer = answer;
  offerNaming();
  stripDue ??= setTimeout(() => {
    stripDue = null;
    drawStrip(stripAnswer);
  }, 100);
}

function drawStrip(answer) {
  find(".strip").classList.toggle("empty", !answer);
  const across = answer ? Math.ceil(Math.sqrt(answer.parts.length || 1)) : 1;
  [strip[2].width, strip[2].height, strip[3].width, strip[3].height] = [20, 20, 28, 28].map((side) => across * side);
  const contexts = strip.map(blacken);
  if (!answer) return;
  contexts[0].drawImage(ink, 0, 0);
  contexts[0].strokeStyle = "#f59e0b";
  contexts[0].lineWidth = 2;
  const digits = answer.parts.length ? answer.parts : [answer];
  const above = (across - Math.ceil(digits.length / across)) / 2; // empty rows, as many as below
  digits.forEach((digit, i) => drawSteps(contexts, digit, i % across, above + Math.floor(i / across), across));
}

// One digit's way, in a field of a square that all of them share.
function drawSteps([whole, cropped, fitted, centred], digit, column, row, across) {
  const [top, left, bottom, right] = digit.box;
  whole.strokeRect(left - 2, top - 2, right - left + 4, bottom - top + 4);
  const side = SIDE / across;
  const scale = side / Math.max(right - left, bottom - top);
  const [w, h] = [(right - left) * scale, (bottom - top) * scale];
  cropped.drawImage(ink, left, top, right - left, bottom - top, column * side + (side - w) / 2, row * side + (side - h) / 2, w, h);
  const { width, height, pixels } = digit.fitted;
  fitted.putImageData(greyImage(bytesOf(pixels), width, height), column * 20 + ((20 - width) >> 1), row * 20 + ((20 - height) >> 1));
  centred.putImageData(greyImage(bytesOf(digit.centred), 28, 28), column * 28, row * 28);
}

// The verdict.

const SPLIT = /; |；/; // a message's reason from its remedy
const capital = (text) => text[0].toUpperCase() + text.slice(1);
let announcing = null;

function announce(text) {
  clearTimeout(announcing);
  announcing = setTimeout(() => {
    const place = find(".announce");
    if (place.textContent !== text) place.textContent = text; // set anew it would be read anew
  }, 700);
}

function say(guess, saying, detail) {
  find(".guess").textContent = guess;
  find(".saying").textContent = saying;
  find(".detail").textContent = detail;
  announce(detail ? t("{saying}. {detail}", { saying, detail }) : saying);
}

function showBlank() {
  showBars(null);
  showStrip(null);
  lookAgain();
  find(".status").textContent = "";
  clearTimeout(judging);
  find(".verdict").classList.remove("unsure", "several");
  find(".bars").classList.remove("strange");
  if (props.value.unfit) sayTrouble(props.value.unfit);
  else say("?", t("Draw a digit"), t("The ten bars will move while you draw."));
}

// A drawing that nothing reads: no bars that are another's.
function showTrouble(error) {
  showBars(null);
  find(".bars").classList.remove("strange");
  showStrip(null);
  sayTrouble(error);
}

// What cannot be done, in place of an answer; `error` is why, and what to do about it.
function sayTrouble(error) {
  clearTimeout(judging);
  find(".verdict").classList.remove("unsure", "several");
  const [why, remedy = ""] = error.split(SPLIT);
  say("–", capital(why), sentence(remedy));
}

// What is waited for; the answer takes its place.
function sayWaiting(what, detail = "") {
  clearTimeout(judging);
  find(".verdict").classList.remove("several");
  find(".verdict").classList.add("unsure");
  say("…", what, detail);
}

// Why there is no answer yet: under the strip at first, in its place from the second time on.
function tellDelay(why, times, detail = t("Your drawing is safe; trying again…")) {
  if (nothingToAsk()) return;
  const saying = capital(why);
  find(".status").textContent = times > 1 ? "" : t("{saying}. {detail}", { saying, detail });
  if (times < 2) return;
  sayWaiting(saying, detail);
  find(".bars").classList.add("strange"); // an earlier drawing's
}

// A drawing that no stroke was added to for this long counts as finished. Half a digit often
// looks like none, so only then is it called strange.
const FINISHED = 700; // ms
let judging = null;

const named = (digit) => t(digit === 8 ? "an {digit}" : "a {digit}", { digit });
const sureness = (p) => (p > 0.999 ? t("more than 99.9 % sure") : t("{percent} sure", { percent: percent(p) }));

function verdictOf(answer) {
  const p = answer.probabilities;
  const [first, second] = [...p.keys()].sort((a, b) => p[b] - p[a]);
  if (answer.parts.length) {
    const digits = answer.parts.map((part) => part.digit);
    const least = Math.min(...answer.parts.map((part) => part.confidence));
    const read = { count: digits.length, list: digits.join(t(", ")) };
    const saying = answer.unsure ? t("Perhaps {count} digits: {list}", read) : t("{count} digits: {list}", read);
    const sure = least > 0.999 ? t("{sure} of each", { sure: sureness(least) }) : t("at least {percent} sure of each", { percent: percent(least) });
    return [digits.join(""), saying, sure];
  }
  if (answer.unsure) {
    const parts = { first: percent(p[first]), second: percent(p[second]) };
    return [first, t("Not sure: {first} or {second}?", { first, second }), t("{first} against {second}", parts)];
  }
  return [first, t("This looks like {digit}", { digit: named(first) }), sureness(p[first])];
}

function judge(answer, version) {
  clearTimeout(judging);
  const strange = answer.strange && !active && performance.now() - touched >= FINISHED;
  find(".verdict").classList.toggle("unsure", strange || answer.unsure);
  find(".verdict").classList.toggle("several", answer.parts.length > 1);
  find(".bars").classList.toggle("strange", strange);
  if (strange) say("–", t("This does not look like a digit"), t("If it is one, then {digit}.", { digit: named(answer.digit) }));
  else say(...verdictOf(answer));
  if (!answer.strange || strange) return;
  judging = setTimeout(() => version === asked() && judge(answer, version), FINISHED);
}

function showAnswer(answer, waits) {
  showBars(answer.probabilities, answer.parts.map((part) => part.digit));
  showStrip(answer);
  judge(answer, asked());
  lookAgain();
  find(".status").textContent = t("Answered in {time} ms", { time: Math.round(waits.at(-1)) });
  element.dispatchEvent(new CustomEvent("answered", { detail: waits, bubbles: true }));
}
