"use strict";

// What unfold made for the mouse alone (the user's menu, the switch of themes, the menu on
// a phone): a button for the keyboard, too.
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
