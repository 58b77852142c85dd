// Asking the server: one request in flight at a time, about the newest drawing.

let version = 0; // of the drawing; each change is a new one
let answered = 0;
let shown = 0; // the newest whose answer stands there
let passed = 0; // the newest whose answer would only hide what was said since
const changes = new Map(); // version -> when it was drawn, for those not yet answered
let asking = false;
let failures = 0; // of questions, one after another
let touched = 0; // when the drawing was last changed
const asked = () => version;

const visibleMarks = () => marks.slice(marks.findLastIndex((mark) => mark.clear) + 1);
const isBlank = () => !visibleMarks().length;
const nothingToAsk = () => isBlank() || Boolean(props.value.unfit);
const isMoving = () => active !== null || example !== null;

function changed() {
  touched = performance.now();
  askAnew();
}

// Of the drawing, or of a net, that was not asked about yet.
function askAnew() {
  changes.set(++version, performance.now());
  const blank = isBlank();
  invite.hidden = !blank || Boolean(props.value.unfit);
  // Not `disabled`: who has just pressed one would lose the focus.
  buttons.clear.setAttribute("aria-disabled", blank);
  buttons.undo.setAttribute("aria-disabled", !marks.length);
  if (nothingToAsk()) showBlank();
  ask();
}

function message() {
  const { data } = inkContext.getImageData(0, 0, SIDE, SIDE);
  let [top, left, bottom, right] = [SIDE, SIDE, -1, -1];
  for (let y = 0; y < SIDE; y++)
    for (let x = 0; x < SIDE; x++)
      if (data[4 * (y * SIDE + x) + 3]) {
        top = Math.min(top, y); bottom = Math.max(bottom, y);
        left = Math.min(left, x); right = Math.max(right, x);
      }
  if (bottom < 0) return null;
  const [w, h] = [right - left + 1, bottom - top + 1];
  let text = "";
  for (let y = top; y <= bottom; y++)
    for (let x = left; x <= right; x++) text += String.fromCharCode(data[4 * (y * SIDE + x) + 3]);
  const [only, ...more] = visibleMarks();
  const own = more.length ? undefined : only.own;
  return { net: props.value.net, x: left, y: top, w, h, ink: btoa(text), own, moving: isMoving() };
}

// How long each change up to `seen` waited for its answer, in ms.
function settle(seen) {
  const waits = [];
  for (const [change, drawn] of changes)
    if (change <= seen) {
      waits.push(performance.now() - drawn);
      changes.delete(change);
    }
  return waits;
}

function within(promise, time) {
  return Promise.race([promise, new Promise((_, fail) => setTimeout(() => fail(new Error("no answer")), time))]);
}

const pause = (time) => new Promise((go) => setTimeout(go, time));

async function ask() {
  if (asking) return;
  asking = true;
  while (answered < version) {
    const seen = version;
    const drawing = nothingToAsk() ? null : message();
    if (!drawing) {
      answered = seen;
      settle(seen);
      continue;
    }
    const started = performance.now();
    try {
      // What comes later than this waits is taken too.
      const again = await within(call("classify", drawing).then((answer) => take(answer, seen)), GIVE_UP);
      const took = performance.now() - started;
      await pause(again ?? Math.max(Math.min(LONGEST_REST, REST * took), SHORTEST - took));
    } catch {
      await tellLoss(seen);
    }
  }
  asking = false;
}

/** Shows an answer, unless a newer drawing's came before it; or, refused, in how many ms to ask again. */
function take(answer, seen) {
  if (seen <= answered) return;
  if (answer.again_in) { // asked too often: the newest drawing is asked about later
    tellDelay(answer.error.split(SPLIT)[0], ++failures);
    return 1000 * answer.again_in;
  }
  failures = 0;
  answered = seen;
  const waits = settle(seen);
  if (isBlank() || seen <= passed) return;
  if (answer.error) showTrouble(answer.error);
  else if (answer.blank) say("?", t("Go on drawing"), t("There is too little ink to read yet."));
  else {
    shown = seen;
    showAnswer(answer, waits);
  }
}

const MANY = 3; // failures after which it may be more than the connection

async function tellLoss(seen) {
  const isOut = failures + 1 >= MANY && (await isLoggedOut());
  if (seen <= answered) return; // a late answer came
  failures++;
  if (isOut) tellDelay(t("This login is over"), failures, t("Reload this page and log in again; your drawing stays."));
  else tellDelay(t("No connection to the server"), failures);
  await pause(Math.min(5000, 500 * failures));
}

/** A server with a password that was started again knows nobody. */
async function isLoggedOut() {
  const { root, api_prefix } = window.gradio_config;
  const answer = await within(fetch(`${root}${api_prefix}/login_check`), GIVE_UP).catch(() => null);
  return answer?.status === 401;
}
