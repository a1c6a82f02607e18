"use strict";

// Accessible names where unfold has none.
const ICON = ".material-symbols-outlined";

addEventListener("DOMContentLoaded", () => {
  nameIcons(document);
  for (const cell of document.querySelectorAll("[data-label]")) {
    const label = cell.dataset.label.trim();
    cell.dataset.label = label.charAt(0).toUpperCase() + label.slice(1);
  }
});

// An icon is a word in its font and would be read out, so it is hidden. A control
// without other text is named by its title or by `#icon-names`.
function nameIcons(root) {
  for (const icon of root.querySelectorAll(ICON)) {
    const control = icon.closest("a, button, summary, [role=button]");
    const shown = control ?? icon.closest("[title]");
    if (shown !== icon) icon.setAttribute("aria-hidden", "true");
    if (!shown || shown.ariaLabel || textOf(shown)) continue;
    shown.ariaLabel = shown.title || iconsName(icon);
    if (!control) shown.setAttribute("role", "img");
  }
  for (const template of root.querySelectorAll("template")) nameIcons(template.content);
}

function textOf(part) {
  const copy = part.cloneNode(true);
  for (const icon of copy.querySelectorAll(ICON)) icon.remove();
  return copy.matches(ICON) ? "" : copy.textContent.trim();
}

// "More actions: User" beside a field.
function iconsName(icon) {
  const said = document.getElementById("icon-names")?.dataset[icon.textContent.trim()];
  const field = icon.closest(".related-widget-wrapper")?.querySelector("select, input");
  return [said, field?.labels[0]?.textContent.trim()].filter(Boolean).join(": ");
}

// Name a select2 field by the label of its select; select2 itself starts on `load`.
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
