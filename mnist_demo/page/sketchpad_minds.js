// All networks at once: a row for each, its ten fields the darker the likelier it finds the digit.

function showMinds({ minds }) {
  const place = find(".minds ol");
  while (place.children.length > minds.length) place.lastElementChild.remove();
  while (place.children.length < minds.length) place.append(emptyMind());
  const guess = bestOf(minds.find((mind) => mind.answers).probabilities);
  minds.forEach((mind, i) => showMind(place.children[i], mind, guess));
}

const bestOf = (probabilities) => probabilities.indexOf(Math.max(...probabilities));

function emptyMind() {
  const row = document.createElement("li");
  const [who, fields, says] = ["who", "fields", "says"].map((name) =>
    Object.assign(document.createElement("span"), { className: name }));
  fields.setAttribute("aria-hidden", true);
  for (let digit = 0; digit < 10; digit++)
    fields.append(Object.assign(document.createElement("i"), { textContent: digit }));
  row.append(who, fields, says);
  return row;
}

function showMind(row, { title, answers, probabilities }, guess) {
  const best = bestOf(probabilities);
  const [who, fields, says] = row.children;
  who.textContent = title;
  says.replaceChildren(Object.assign(document.createElement("b"), { textContent: best }), ` ${percent(probabilities[best])}`);
  row.classList.toggle("answers", answers);
  row.classList.toggle("differs", best !== guess);
  [...fields.children].forEach((field, digit) => {
    field.style.setProperty("--p", probabilities[digit]);
    field.classList.toggle("possible", probabilities[digit] >= 0.05);
    field.classList.toggle("likely", probabilities[digit] > 0.5);
  });
}

lookFrom(find(".minds"), "minds", toSee, showMinds);
