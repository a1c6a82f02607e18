"use strict";

// Poll parts of the page every 2 s, unless the tab is in the background.
(() => {
  const EVERY = 2000;

  function keepFresh(part) {
    let shown = "";

    async function refresh() {
      if (document.hidden) return;
      try {
        const answer = await fetch(part.dataset.refresh, { cache: "no-cache" });
        // signed out, or the import has ended
        if (answer.redirected || answer.headers.has("X-Ended")) {
          clearInterval(timer);
          return location.reload();
        }
        const text = answer.ok ? await answer.text() : shown;
        if (text !== shown && shown) replace(part, text);
        shown = text;
      } catch {
        // no network: the next poll tries again
      }
    }

    const timer = setInterval(refresh, EVERY);
    refresh();
    document.addEventListener("visibilitychange", refresh);
  }

  // Keep the focus on its link, and let screen readers announce only what is new.
  function replace(part, text) {
    const held = part.contains(document.activeElement)
      ? document.activeElement.getAttribute("href")
      : null;
    part.innerHTML = text;
    if (held) part.querySelector(`[href="${CSS.escape(held)}"]`)?.focus();
    const said = part.querySelector("[data-announce]")?.dataset.announce;
    const status = document.getElementById("announcement");
    if (said && said !== status.textContent) status.textContent = said;
  }

  for (const part of document.querySelectorAll("[data-refresh]")) keepFresh(part);
})();
