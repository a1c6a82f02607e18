"use strict";

// Poll parts of the page every 2 s, unless the tab is in the background.
(() => {
  const EVERY = 2000;

  function keepFresh(part) {
    // The page as it was loaded, because the first poll may already bring something new.
    let shown = part.innerHTML;

    async function refresh() {
      if (document.hidden) return;
      try {
        const answer = await fetch(part.dataset.refresh, { cache: "no-cache" });
        // signed out, or the import has ended
        if (answer.redirected || answer.headers.has("X-Ended")) {
          clearInterval(timer);
          return location.reload();
        }
        const html = answer.ok ? parsed(await answer.text()) : shown;
        if (html !== shown) replace(part, html);
        shown = html;
      } catch {
        // no network: the next poll tries again
      }
    }

    const timer = setInterval(refresh, EVERY);
    refresh();
    document.addEventListener("visibilitychange", refresh);
  }

  // Write HTML as innerHTML reads it, so that the two can be compared.
  function parsed(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.innerHTML;
  }

  // Keep the focus on its link, and let screen readers announce only what is new.
  function replace(part, html) {
    const held = part.contains(document.activeElement)
      ? document.activeElement.getAttribute("href")
      : null;
    part.innerHTML = html;
    if (held) part.querySelector(`[href="${CSS.escape(held)}"]`)?.focus();
    const said = part.querySelector("[data-announce]")?.dataset.announce;
    const status = document.getElementById("announcement");
    if (said && said !== status.textContent) status.textContent = said;
  }

  for (const part of document.querySelectorAll("[data-refresh]")) keepFresh(part);
})();
