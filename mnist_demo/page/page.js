// What Gradio's own parts lack for the keyboard.
document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  // A dropdown answers Tab when the focus is already elsewhere, and opens its list again.
  if (key === "Tab" && target.matches?.('input[role="combobox"]')) {
    event.stopPropagation();
    // A list long enough to scroll would take the focus, and go away with it.
    for (const list of document.querySelectorAll('[role="listbox"]')) list.tabIndex = -1;
  }

  // Arrows go from tab to tab, as readers of screens say they do.
  const tab = target.closest?.('[role="tab"]');
  const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
  if (!tab || !step) return;
  const tabs = [...tab.parentElement.querySelectorAll('[role="tab"]')];
  const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
  next.focus();
  next.click();
  event.preventDefault();
}, { capture: true });
