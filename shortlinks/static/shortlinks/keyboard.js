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
