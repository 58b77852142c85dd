// Which digit a drawing is: on demand its drawer says so, and it is kept with the others.
const right = find(".right");
const naming = find(".naming");
let keeping = false; // against a double click
let toldAt = 0; // the drawing's version when something was said here last

function offerNaming() {
  naming.hidden ||= Boolean(props.value.unfit);
  const isOffered = !naming.hidden;
  const isHeld = document.activeElement === right;
  right.hidden = !isOffered && !stripAnswer;
  if (right.hidden && isHeld) pad.focus(); // else the page's top would have it
  right.setAttribute("aria-expanded", isOffered);
  right.textContent = t(isOffered ? "Close" : "Right?");
  right.title = isOffered ? "" : t("Say which digit it is, and keep it");
  if (stripAnswer && version > toldAt) tellMine(""); // the next one
  for (const button of naming.querySelectorAll("button")) button.setAttribute("aria-disabled", isBlank());
}

function tellMine(text) {
  toldAt = version;
  const place = find(".kept");
  const told = text || t("Which digit did you draw?");
  if (place.textContent !== told) place.textContent = told; // set anew it would be read anew
}

async function keepAs(label) {
  if (isBlank() || keeping) return;
  keeping = true;
  await keepRead(label).finally(() => (keeping = false));
}

async function keepRead(label) {
  dropPen();
  const drawn = version;
  for (let tries = 0; shown < drawn && version === drawn && tries < 50; tries++) await pause(40);
  if (shown < drawn || version !== drawn) return tellMine(t("It is not read yet; try again in a moment."));
  refresh();
  const before = digits.find(({ pixels }) => pixels === stripAnswer.centred);
  if (!before && digits.length >= MOST_KEPT)
    return tellMine(noRoom());
  digits = digits.filter((digit) => digit !== before);
  const isStored = keepNew([{ label, pixels: stripAnswer.centred, net: props.value.net, said: saidOf(stripAnswer) }]);
  clear();
  tellMine(isStored ? t("Kept as {digit}. Draw the next.", { digit: named(label) }) : unstored());
}

const saidOf = (answer) => (answer.parts.length ? answer.parts.map((part) => part.digit) : [answer.digit]).join("");

right.addEventListener("click", () => {
  naming.hidden = !naming.hidden;
  tellMine("");
  offerNaming();
});
for (let digit = 0; digit < 10; digit++) {
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: digit });
  button.setAttribute("aria-label", t("It is {digit}", { digit: named(digit) }));
  button.title = t("Key {digit}", { digit });
  button.addEventListener("click", () => keepAs(digit));
  naming.querySelector("div").append(button);
}
document.addEventListener("keydown", (event) => {
  if (naming.hidden || !isShown() || isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (/^[0-9]$/.test(event.key)) keepAs(Number(event.key));
}, { signal });
