// Inside the network: what each layer makes of the drawing, and what the answer rests on, the
// latter when the pen rests.

const ACROSS = { wide: { maps: 16, numbers: 64 }, narrow: { maps: 8, numbers: 32 } };

function showInside(answer) {
  const shown = find(".evidence canvas");
  find(".evidence").classList.toggle("old", !answer.evidence);
  if (answer.evidence) {
    shown.getContext("2d").putImageData(evidenceImage(bytesOf(answer.evidence), bytesOf(answer.picture)), 0, 0);
    shown.setAttribute("aria-label", t("What the answer {digit} rests on", { digit: answer.digit }));
  }
  showStages(answer.stages);
}

// Red where the ink speaks for the answer, blue where it speaks against it, black without ink.
function evidenceImage(bytes, picture) {
  const image = new ImageData(28, 28);
  bytes.forEach((value, i) => {
    const rests = (value - 128) / 127;
    const rest = 1 - Math.abs(rests);
    const [red, blue] = rests > 0 ? [1, rest] : [rest, 1];
    image.data.set([red, rest, blue].map((part) => picture[i] * part), 4 * i);
    image.data[4 * i + 3] = 255;
  });
  return image;
}

function showStages(stages) {
  const place = find(".stages");
  if (!stages.length) return place.replaceChildren(Object.assign(document.createElement("p"), { textContent: t("This network has no layer between the picture and its answer.") }));
  const across = ACROSS[place.clientWidth < 500 ? "narrow" : "wide"];
  while (place.children.length > stages.length) place.lastElementChild.remove();
  stages.forEach((stage, i) => {
    let row = place.children[i];
    if (!row?.querySelector("canvas")) {
      row = document.createElement("div");
      row.append(document.createElement("p"), document.createElement("canvas"));
      if (place.children[i]) place.children[i].replaceWith(row);
      else place.append(row);
      row.lastElementChild.setAttribute("role", "img");
    }
    const [title, canvas] = row.children;
    const name = document.createElement("b");
    name.textContent = stage.name;
    title.replaceChildren(name, " · ", measure(stage));
    canvas.setAttribute("aria-label", title.textContent);
    paintMaps(canvas, stage, stage.width > 1 ? across.maps : across.numbers);
  });
}

function measure({ count, shown, height, width }) {
  const what = { count, shown, height, width };
  if (width === 1 && height === 1) return t(shown < count ? "{count} numbers, the first {shown} of them" : "{count} numbers", what);
  return t(shown < count ? "{count} pictures of {height}×{width}, the first {shown} of them" : "{count} pictures of {height}×{width}", what);
}

// All of a layer's maps on one canvas, a pixel of nothing between them.
function paintMaps(canvas, { shown, height, width, maps }, across) {
  const gap = width > 1 ? Math.max(1, Math.round(width / 12)) : 0;
  canvas.width = across * (width + gap) - gap;
  canvas.height = Math.ceil(shown / across) * (height + gap) - gap;
  const bytes = bytesOf(maps);
  const context = canvas.getContext("2d");
  for (let i = 0; i < shown; i++) {
    const map = greyImage(bytes.subarray(i * width * height, (i + 1) * width * height), width, height);
    context.putImageData(map, (i % across) * (width + gap), Math.floor(i / across) * (height + gap));
  }
}

lookFrom(find(".inside"), "inside", () => `${toSee()} ${isAtRest()}`, showInside);
