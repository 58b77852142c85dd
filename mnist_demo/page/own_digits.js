// Digits that a visitor named in the Draw tab. They are kept in this browser alone, and the
// Train tab sends them along where its visitor wants a net to learn from them.
const MINE = "mnist-demo-digits";
const SENT = "mnist-demo-own"; // what the last run of this tab began with, until all are forgotten
const MOST_KEPT = 300; // as many as a browser stores for sure

function isOwnDigit(entry) {
  try {
    return [...Array(10).keys()].includes(entry.label) && atob(entry.pixels).length === 28 * 28;
  } catch {
    return false; // damaged
  }
}

/** {label, pixels} each, the newest first; the pixels are 28x28 bytes in base64. */
function storedDigits() {
  if (window.unstoredDigits) return window.unstoredDigits;
  try {
    return JSON.parse(localStorage.getItem(MINE) ?? "[]").filter(isOwnDigit).slice(0, MOST_KEPT);
  } catch {
    return []; // damaged, or a browser that stores nothing
  }
}

/** Whether they will be here after the page; where not, they last as long as it does. */
function storeDigits(digits) {
  const plain = digits.map(({ label, pixels }) => ({ label, pixels }));
  try {
    localStorage.setItem(MINE, JSON.stringify(plain));
    window.unstoredDigits = null;
    if (!plain.length) sessionStorage.removeItem(SENT);
  } catch {
    window.unstoredDigits = plain;
  }
  window.dispatchEvent(new CustomEvent("digits-kept"));
  return !window.unstoredDigits;
}
