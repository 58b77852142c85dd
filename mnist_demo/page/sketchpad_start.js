// What the rest of the page sets: a net, a picture from the gallery.

let followed = props.value.serial;
function follow() {
  if (props.value.serial === followed) return;
  followed = props.value.serial;
  if (props.value.picture) putPicture(props.value.picture, props.value.own);
  else askAnew(); // another net
  if (props.value.begun !== undefined) keepNet(props.value.begun);
  readAgain();
}
watch("value", follow);

/** Which net it is, for the page after a reload; see masthead.js. */
function keepNet(begun) {
  try {
    if (begun) sessionStorage.setItem("mnist-demo-net", begun);
    else sessionStorage.removeItem("mnist-demo-net");
  } catch {
    // a browser that stores nothing keeps no run either
  }
}

// The net that answers has learned on, in the Train tab. Out of sight the pad asks once it is back.
let behind = false;
function catchUp() {
  if (!behind || !isShown()) return;
  behind = false;
  if (!isBlank()) askAnew();
  readAgain(true);
}
window.addEventListener("net-changed", ({ detail }) => {
  behind ||= detail.includes(props.value.net);
  catchUp();
}, { signal });
new ResizeObserver(catchUp).observe(pad);

// A reload, as another language needs, leaves the drawing on the pad of its browser tab.

const KEPT = "mnist-demo-drawing";

function keep() {
  const plain = visibleMarks().map(({ picture, own, points, width }) =>
    picture ? { ink: alphaOf(picture), own } : { width, points: points.map(({ x, y }) => [+x.toFixed(4), +y.toFixed(4)]) });
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(plain));
  } catch {
    // A browser that stores nothing: its next page begins with a blank pad.
  }
}

function kept() {
  try {
    const plain = JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
    return plain.map(({ ink, own, points, width }) =>
      ink ? { picture: fromInk(ink), own } : { width, points: points.map(([x, y]) => ({ x, y })) });
  } catch {
    return [];
  }
}

function alphaOf(canvas) {
  const { data } = canvas.getContext("2d").getImageData(0, 0, SIDE, SIDE);
  return btoa(Array.from({ length: SIDE * SIDE }, (_, i) => String.fromCharCode(data[4 * i + 3])).join(""));
}

addEventListener("pagehide", keep, { signal });
// A phone drops hidden tabs without a word.
document.addEventListener("visibilitychange", () => document.hidden && keep(), { signal });
marks = kept();
showBlank();
redraw();
if (props.value.picture) putPicture(props.value.picture, props.value.own);
else if (marks.length) changed();
