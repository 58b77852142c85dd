// Mouse, finger and pen: which of them draws, and what they leave.

function place(event) {
  const box = pad.getBoundingClientRect();
  return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height };
}

// One pointer draws at a time. A pen goes before the palm that lies beside it, and a second
// finger that comes with the first is no drawing: neither leaves ink.
const TOGETHER = 300; // ms between two fingers of one gesture
const PALM = 1000; // ms after a pen was near in which touches are taken for a hand at rest
let drawing = { kind: "", since: 0 }; // what draws, and when it came down
let penSeen = -Infinity; // when a pen was last near

function takeBack() {
  marks = marks.filter((mark) => mark !== active);
  pen = active = null;
  redraw();
  changed();
}

function mayDraw({ pointerType: kind, timeStamp: now }) {
  if (pen !== null) {
    if (kind === "pen" && drawing.kind === "touch") takeBack();
    else if (kind === "touch" && drawing.kind === "touch" && now - drawing.since < TOGETHER) {
      takeBack();
      return false;
    } else return false;
  }
  return kind !== "touch" || now - penSeen > PALM;
}

for (const name of ["pointerdown", "pointermove", "pointerup"])
  pad.addEventListener(name, (event) => {
    if (event.pointerType === "pen") penSeen = event.timeStamp;
  });

pad.addEventListener("pointerdown", (event) => {
  if (event.button !== 0 || !mayDraw(event)) return;
  stopExample();
  event.preventDefault();
  pen = event.pointerId;
  drawing = { kind: event.pointerType, since: event.timeStamp };
  pad.setPointerCapture(pen);
  active = { points: [], width: brush.value / 100 };
  marks.push(active);
  extend(active, [place(event)]);
});

pad.addEventListener("pointermove", (event) => {
  if (event.pointerId !== pen) return;
  const events = event.getCoalescedEvents?.() ?? [];
  extend(active, (events.length ? events : [event]).map(place));
});

for (const name of ["pointerup", "pointercancel", "lostpointercapture"])
  pad.addEventListener(name, (event) => {
    if (event.pointerId !== pen) return;
    pen = null;
    endStroke();
  });
