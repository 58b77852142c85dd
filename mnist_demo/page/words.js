// What this page says. The server fills WORDS in for who reads another language than English.
const WORDS = {};

/** An English text with its {places} filled, in the visitor's language. */
function t(text, values = {}) {
  return (WORDS[text] ?? text).replace(/\{(\w+)\}/g, (place, name) => values[name] ?? place);
}

/** A message of the server's as a sentence. */
const sentence = (text) => text && t("{message}.", { message: text[0].toUpperCase() + text.slice(1) });
