// What is unfolded below the pad looks at the drawing as well: asked for while it is unfolded
// only, at most four times a second.

const LOOK_AGAIN = 250; // ms from one look to the next
const AT_REST = 600; // ms without a new stroke

let chosen = 0; // of several digits, the one that is looked at
let resting = null;
const looks = []; // each takes a new look where there is something new to see

const isAtRest = () => !isMoving() && performance.now() - touched >= AT_REST;
const digitsRead = () => stripAnswer?.parts ?? [];
const chosenDigit = () => digitsRead()[Math.min(chosen, digitsRead().length - 1)];
const toSee = () => `${asked()} ${chosenDigit()?.centred}`;

function lookAgain() {
  clearTimeout(resting);
  looks.forEach((look) => look());
  if (!isAtRest()) resting = setTimeout(lookAgain, AT_REST);
}

/** Has `section` show what the server function `name` says, anew whenever `what()` is another. */
function lookFrom(section, name, what, show) {
  const hint = section.querySelector(".hint");
  const empty = hint.textContent;
  let looking = false;
  let seen = "";

  async function look() {
    if (looking || !section.open) return;
    looking = true;
    while (section.open && what() !== seen) {
      const now = what();
      const drawing = nothingToAsk() ? null : message();
      try {
        const own = chosenDigit()?.centred ?? drawing?.own;
        const answer = drawing ? await within(call(name, { ...drawing, own, at_rest: isAtRest() }), GIVE_UP) : { blank: true };
        if (!answer.again_in) {
          seen = now;
          tell(answer);
        }
        await pause(Math.max(LOOK_AGAIN, 1000 * (answer.again_in ?? 0)));
      } catch {
        await pause(1000); // the question about the digit itself says that there is no connection
      }
    }
    looking = false;
  }

  function tell(answer) {
    hint.textContent = answer.error ? sentence(answer.error) : answer.blank ? empty : "";
    hint.hidden = !hint.textContent;
    section.querySelector(".looked").hidden = Boolean(hint.textContent);
    if (hint.textContent) return;
    showChoice();
    show(answer);
  }

  looks.push(look);
  section.addEventListener("toggle", lookAgain);
}

// Of several digits one is looked at.
function showChoice() {
  const digits = digitsRead().map((part) => part.digit);
  for (const place of element.querySelectorAll(".which")) {
    place.hidden = !digits.length;
    const buttons = [...place.querySelectorAll("button")];
    if (buttons.map((button) => button.textContent).join() !== digits.join()) {
      buttons.forEach((button) => button.remove());
      place.append(...digits.map(choiceOf));
    }
    [...place.querySelectorAll("button")].forEach((button, i) =>
      button.setAttribute("aria-pressed", i === Math.min(chosen, digits.length - 1)));
  }
}

function choiceOf(digit, i) {
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: digit });
  button.addEventListener("click", () => {
    chosen = i;
    showChoice();
    lookAgain();
  });
  return button;
}
