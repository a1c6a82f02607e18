"use strict";

// Make unfold's mouse-only controls (user menu, theme switch, phone menu) buttons for
// the keyboard.
addEventListener("DOMContentLoaded", () => {
  const clickable = ":is(.cursor-pointer, .cursor-pointer > *)[x-on\\:click]";
  const parts = `${clickable}:not(button, a[href], input, label)`;
  for (const part of document.querySelectorAll(parts)) {
    part.tabIndex = 0;
    part.setAttribute("role", "button");
    part.addEventListener("keydown", (event) => {
      if (event.target !== part || !["Enter", " "].includes(event.key)) return;
      event.preventDefault();
      part.click();
    });
  }
});
