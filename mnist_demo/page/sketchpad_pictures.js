// Ink that no pen drew: pictures that a visitor opens, and examples that draw themselves.
function fromInk(text, side = SIDE) {
  const bytes = bytesOf(text);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  const image = new ImageData(side, side);
  bytes.forEach((value, i) => image.data.set([255, 255, 255, value], 4 * i));
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

function putPicture(text, own) {
  putInk(fromInk(text), own);
}

function putDigit(pixels) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIDE;
  canvas.getContext("2d").drawImage(fromInk(pixels, 28), 0, 0, SIDE, SIDE);
  putInk(canvas, pixels);
}

// `own`: the 28x28 pixels that the ink was made of, which the net reads as long as nothing is added.
function putInk(picture, own) {
  dropPen();
  if (!isBlank()) marks.push({ clear: true });
  marks.push({ picture, own });
  redraw();
  changed();
}

const NO_HOLES = /^image\/(jpe?g|hei[cf])$/; // a photo, a tenth as large as JPEG

async function encoded(blob) {
  let send = blob;
  try {
    const bitmap = await createImageBitmap(blob);
    const scale = Math.min(1, 800 / Math.max(bitmap.width, bitmap.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(bitmap.width * scale));
    canvas.height = Math.max(1, Math.round(bitmap.height * scale));
    canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    const kind = NO_HOLES.test(blob.type) ? "image/jpeg" : "image/png";
    send = await new Promise((done) => canvas.toBlob(done, kind, 0.9));
  } catch {
    // A kind that this browser cannot show (TIFF, say); the server may know it.
  }
  return new Promise((done, fail) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result.split(",")[1] ?? "");
    reader.onerror = fail;
    reader.readAsDataURL(send);
  });
}

const SENDING = 120000; // ms, as long as bodies.py lets one arrive
let opened = 0; // numbers the pictures: only the last one counts

async function openPicture(blob) {
  const number = ++opened;
  const before = touched;
  passed = version;
  sayWaiting(t("Reading the picture…"));
  const answer = await encoded(blob).then((sent) => within(call("read_picture", sent), SENDING))
    .catch(() => ({ error: t("the picture could not be sent; try again, or a smaller one") }));
  if (number !== opened) return;
  if (answer.error) sayTrouble(answer.error);
  else if (isMoving() || (touched > before && !isBlank())) tellHidden(number);
  else putPicture(answer.ink);
}

/** Once the drawing is read, whose answer would else take the place of this. */
async function tellHidden(number) {
  while (isMoving() || answered < version) await pause(100);
  if (number === opened) sayTrouble(t("you have drawn since, and the picture would hide that; clear the pad and open it again"));
}

buttons.open.addEventListener("click", () => file.click());
file.addEventListener("change", () => {
  if (file.files[0]) openPicture(file.files[0]);
  file.value = "";
});
document.addEventListener("paste", (event) => {
  const picture = [...(event.clipboardData?.files ?? [])].find((item) => item.type.startsWith("image/"));
  if (picture && isShown()) openPicture(picture);
}, { signal });
// Beside the pad too, and in the other tabs: a browser would open the file in the page's place.
for (const name of ["dragover", "drop"])
  document.addEventListener(name, (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = isShown() ? "copy" : "none";
    const [picture] = event.dataTransfer.files;
    if (name === "drop" && picture && isShown()) openPicture(picture);
  }, { signal });

// Examples: drawn as a hand would, so that the bars can be watched.

const EXAMPLES = [
  [3, [[[.34, .3], [.42, .2], [.56, .19], [.64, .3], [.58, .42], [.46, .47], [.6, .52], [.67, .65], [.6, .8], [.44, .84], [.32, .75]]]],
  [4, [[[.42, .18], [.38, .36], [.33, .53], [.46, .55], [.7, .52]], [[.62, .3], [.6, .55], [.58, .86]]]],
  [7, [[[.3, .24], [.48, .22], [.7, .22], [.6, .42], [.5, .62], [.44, .85]], [[.42, .53], [.55, .51], [.66, .5]]]],
  [8, [[[.62, .27], [.5, .18], [.38, .26], [.42, .4], [.54, .5], [.64, .64], [.58, .8], [.44, .82], [.36, .7], [.44, .54], [.56, .42], [.63, .28]]]],
  [2, [[[.72, .62], [.76, .57], [.82, .59], [.82, .66], [.76, .74], [.71, .8], [.78, .79], [.86, .79]]]],
];
let example = null;

function smooth(points) { // Catmull-Rom through the points
  const at = (i) => points[Math.min(Math.max(i, 0), points.length - 1)];
  const curve = [];
  for (let i = 0; i < points.length - 1; i++)
    for (let t = 0; t < 1; t += 0.125) {
      const [a, b, c, d] = [at(i - 1), at(i), at(i + 1), at(i + 2)];
      const mix = (k) => 0.5 * (2 * b[k] + (c[k] - a[k]) * t + (2 * a[k] - 5 * b[k] + 4 * c[k] - d[k]) * t * t + (3 * b[k] - a[k] - 3 * c[k] + d[k]) * t ** 3);
      curve.push({ x: mix(0), y: mix(1) });
    }
  curve.push({ x: points.at(-1)[0], y: points.at(-1)[1] });
  return curve;
}

function stopExample() {
  cancelAnimationFrame(example);
  example = null;
}

function playExample(strokes) {
  clear();
  const width = strokes.flat().every(([x]) => x > 0.6) ? 0.035 : 0.065;
  const rest = strokes.map(smooth);
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  let mark = null;
  const draw = () => {
    if (!mark) marks.push((mark = { points: [], width }));
    const [stroke, piece] = [mark, rest[0].splice(0, still ? Infinity : 2)];
    if (!rest[0].length) {
      rest.shift();
      mark = null;
    }
    example = rest.length ? requestAnimationFrame(draw) : null;
    extend(stroke, piece);
  };
  draw();
}

for (const [digit, strokes] of EXAMPLES) {
  const button = document.createElement("button");
  button.type = "button";
  const small = strokes.flat().every(([x]) => x > 0.6);
  button.title = t(small ? "A {digit}, small in a corner" : "A {digit}", { digit });
  button.setAttribute("aria-label", t("Draw an example: {what}", { what: button.title }));
  const picture = document.createElement("canvas");
  picture.width = picture.height = 72;
  const context = picture.getContext("2d");
  button.append(picture);
  find(".examples").append(button);
  const paint = () => {
    context.clearRect(0, 0, 72, 72);
    context.strokeStyle = getComputedStyle(button).color;
    for (const stroke of strokes) trace(context, 72, { points: smooth(stroke), width: small ? 0.05 : 0.08 });
  };
  paint();
  new MutationObserver(paint).observe(document.body, { attributeFilter: ["class"] });
  button.addEventListener("click", () => playExample(strokes));
}
