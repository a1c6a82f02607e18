"use strict";

// What unfold made for the mouse alone (the user's menu, the switch of themes): a button
// for the keyboard, too.
addEventListener("DOMContentLoaded", () => {
  const clickable = ".cursor-pointer[x-on\\:click]:not(button, a[href], input, label)";
  for (const part of document.querySelectorAll(clickable)) {
    part.tabIndex = 0;
    part.setAttribute("role", "button");
    part.addEventListener("keydown", (event) => {
      if (event.target !== part || !["Enter", " "].includes(event.key)) return;
      event.preventDefault();
      part.click();
    });
  }
});

// A field with a search of its own (select2) is named by the label of the field; it is
// made by whoever listens to `load`, too.
addEventListener("load", () => setTimeout(nameSearches));

function nameSearches() {
  for (const select of document.querySelectorAll(".select2-hidden-accessible")) {
    const label = select.labels[0];
    const box = select.nextElementSibling?.querySelector("[role=combobox]");
    const shown = box?.querySelector("[role=textbox]");
    if (!label || !shown) continue;
    label.id ||= `${select.id}_label`;
    box.setAttribute("aria-labelledby", `${label.id} ${shown.id}`);
    shown.setAttribute("aria-labelledby", label.id);
  }
}
