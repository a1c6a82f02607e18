"use strict";

// Asks every few seconds for what is on the page already; a tab in the background rests.
(() => {
  const EVERY = 3000;
  const list = document.getElementById("opened-today");
  let shown = "";

  async function refresh() {
    if (document.hidden) return;
    try {
      const answer = await fetch(list.dataset.source, { cache: "no-cache" });
      if (answer.redirected) return location.reload(); // signed out meanwhile
      const text = answer.ok ? await answer.text() : shown;
      if (text !== shown && shown) list.innerHTML = text;
      shown = text;
    } catch {
      // no network for a moment: the next one asks again
    }
  }

  refresh();
  setInterval(refresh, EVERY);
  document.addEventListener("visibilitychange", refresh);
})();
