"use strict";

// Asks every few seconds for what is on the page already; a tab in the background rests.
(() => {
  const EVERY = 2000;

  function keepFresh(part) {
    let shown = "";

    async function refresh() {
      if (document.hidden) return;
      try {
        const answer = await fetch(part.dataset.fresh, { cache: "no-cache" });
        // signed out meanwhile, or come to its end
        if (answer.redirected || answer.headers.has("X-Ended")) {
          clearInterval(timer);
          return location.reload();
        }
        const text = answer.ok ? await answer.text() : shown;
        if (text !== shown && shown) replace(part, text);
        shown = text;
      } catch {
        // no network for a moment: the next one asks again
      }
    }

    const timer = setInterval(refresh, EVERY);
    refresh();
    document.addEventListener("visibilitychange", refresh);
  }

  // Who stands on a link of the list goes on standing there; screen readers are told
  // what came, and not the whole list again.
  function replace(part, text) {
    const held = part.contains(document.activeElement)
      ? document.activeElement.getAttribute("href")
      : null;
    part.innerHTML = text;
    if (held) part.querySelector(`[href="${CSS.escape(held)}"]`)?.focus();
    const said = part.querySelector("[data-said]")?.dataset.said;
    const status = document.getElementById("said");
    if (said && said !== status.textContent) status.textContent = said;
  }

  for (const part of document.querySelectorAll("[data-fresh]")) keepFresh(part);
})();
