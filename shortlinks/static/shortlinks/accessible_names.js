"use strict";

// What unfold leaves without a name for who listens to the page.
const ICON = ".material-symbols-outlined";

addEventListener("DOMContentLoaded", () => {
  nameIcons(document);
  for (const cell of document.querySelectorAll("[data-label]")) {
    const label = cell.dataset.label.trim();
    cell.dataset.label = label.charAt(0).toUpperCase() + label.slice(1);
  }
});

// An icon is a word of its font, which would be read out. It is passed over; what has
// nothing else is named by its title, or as `#ours-says` has it.
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
  const said = document.getElementById("ours-says")?.dataset[icon.textContent.trim()];
  const field = icon.closest(".related-widget-wrapper")?.querySelector("select, input");
  return [said, field?.labels[0]?.textContent.trim()].filter(Boolean).join(": ");
}

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
