"use strict";

// Ask before a page with unsaved entries is left.
(() => {
  const SELECTIONS = new Set(["_selected_action", "action", "select_across"]);
  const shown = new Map(); // entries of each form before they were touched
  let sent = null;

  function entries(form) {
    const edited = [...new FormData(form)].filter(([name]) => !SELECTIONS.has(name));
    return JSON.stringify(edited.map(([name, value]) => [name, value.name ?? value]));
  }

  function isWatched(form) {
    return form?.getAttribute("method") === "post" && form.id !== "login-form";
  }

  // Other scripts fill fields after the page has loaded, so compare with the entries
  // at the first touch.
  function remember(event) {
    const form = event.target.form ?? event.target.closest?.("form");
    if (isWatched(form) && !shown.has(form)) shown.set(form, entries(form));
  }

  for (const kind of ["focusin", "pointerdown", "keydown"]) {
    document.addEventListener(kind, remember, true);
  }
  // Entries that were rejected are not saved yet.
  addEventListener("DOMContentLoaded", () => {
    for (const form of document.forms) {
      if (isWatched(form) && form.querySelector(".errors, .errorlist")) shown.set(form, "");
    }
    document.querySelector("form[data-continue]")?.requestSubmit();
  });
  document.addEventListener("submit", (event) => {
    if (!event.defaultPrevented) sent = event.target;
  });
  addEventListener("pageshow", () => {
    sent = null;
  });
  addEventListener("beforeunload", (event) => {
    const edited = [...shown].some(([form, text]) => form !== sent && entries(form) !== text);
    if (edited) event.preventDefault();
  });
})();
