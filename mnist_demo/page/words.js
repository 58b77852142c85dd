// What this page says. The server fills WORDS in for who reads another language than English.
const WORDS = {};

/** An English text with its {places} filled, in the visitor's language. */
function t(text, values = {}) {
  return (WORDS[text] ?? text).replace(/\{(\w+)\}/g, (place, name) => values[name] ?? place);
}

/** A message of the server's as a sentence. */
const sentence = (text) => text && t("{message}.", { message: text[0].toUpperCase() + text.slice(1) });

/** What the server function `name` answers. Throws where it does not: Gradio then answers undefined. */
async function call(name, message) {
  const answer = await server[name](message);
  if (answer === undefined) throw new Error(`no answer of ${name}`);
  return answer;
}

/** The same where `error` is shown in any case. */
const callOrSay = (name, message) =>
  call(name, message).catch(() => ({ error: t("the server does not answer; try again in a moment") }));
