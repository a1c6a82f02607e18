"use strict";

// The content security policy forbids eval and inline styles. Alpine's build for it reads
// single expressions without globals, so other expressions of unfold are replaced here.
htmx.config.allowEval = false;
htmx.config.includeIndicatorStyles = false;

addEventListener("alpine:init", () => {
  const SIDEBAR = "sidebarDesktopOpen"; // in the local storage
  const REPLACEMENTS = {
    "x-bind:action": [/^activeTab && .*window\.location.*$/, "addressOfTab()"],
    "x-bind:style": [/^'width: ' \+ (\w+) \+ 'px'$/, "{width: $1 + 'px'}"],
    "x-on:click": [/^(sidebarDesktopOpen = [^;]*);.*$/, "$1"], // `page` watches it
    "x-on:keydown.enter.prevent": [/^if \((.*)\) (selectItem\(.*\))$/, "$1 && $2"],
  };

  for (const name of ["theme", "searchCommand", "searchForm"]) Alpine.data(name, window[name]);

  const body = document.body;
  const firstTab = /activeTab: '([^']*)'/.exec(body.getAttribute("x-data"))?.[1] ?? "";
  Alpine.data("page", () => ({
    activeTab: (firstTab && getCurrentTab()) || firstTab,
    sidebarMobileOpen: false,
    sidebarDesktopOpen: localStorage.getItem(SIDEBAR) !== "0",
    init() {
      this.$watch(SIDEBAR, (open) => localStorage.setItem(SIDEBAR, open ? "1" : "0"));
    },
    addressOfTab() {
      const tab = this.activeTab && this.activeTab !== "general" ? `#${this.activeTab}` : "";
      return location.pathname + location.search + tab;
    },
  }));
  body.setAttribute("x-data", "page");
  body.removeAttribute("x-init");

  for (const [attribute, [unreadable, readable]] of Object.entries(REPLACEMENTS)) {
    for (const part of document.querySelectorAll(`[${CSS.escape(attribute)}]`)) {
      part.setAttribute(attribute, part.getAttribute(attribute).replace(unreadable, readable));
    }
  }
});
