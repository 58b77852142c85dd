// What several components do in the same way; `script` of words.py gives it to each.

/** What the server function `name` answers. Throws where it does not: Gradio then answers undefined. */
async function call(name, message) {
  const answer = await server[name](message);
  if (answer === undefined) throw new Error(`no answer of ${name}`);
  return answer;
}

/** The same where `error` is shown in any case. */
const callOrSay = (name, message) =>
  call(name, message).catch(() => ({ error: t("the server does not answer; try again in a moment") }));

/** The bytes of a text in base64. */
const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** Has the browser save a blob as a file. */
function saveAs(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000); // a phone may ask first
}

const SILENCE = 10000; // ms: the server says something of work in progress each second

/** Has `ask` ask about it after a silence, as where the server was restarted. Returns what to call when it is heard. */
function askInSilence(isOn, ask) {
  let heard = performance.now();
  setInterval(() => {
    if (!element.isConnected || !isOn() || performance.now() - heard < SILENCE) return;
    heard = performance.now();
    ask();
  }, 2000);
  return () => (heard = performance.now());
}
