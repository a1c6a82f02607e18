/*! shortlinks pixel v1, MIT. Redeems the click that led here; see docs/browser-recognition.md.
 * <script src="https://go.example.com/pixel/v1.js" data-site="KEY" integrity="…"
 *         crossorigin="anonymous" defer></script> */
(function (window, document) {
  "use strict";
  var PARAMETER = "_sl", NAME = "slpx_uid", OUT = "slpx_out", AGE = 34560000;
  var script = document.currentScript || document.querySelector("script[data-site]");
  var site = script.getAttribute("data-site");
  var url = new URL("/pixel/v1/identify", script.src).href;
  var ready = false, waiting = [], gestured = false, redeemed = null;

  function cookie(name) {
    var found = document.cookie.match(new RegExp("(?:^|; )" + name + "=([^;]*)"));
    return found ? found[1] : "";
  }
  function read(name) {
    try { return window.localStorage.getItem(name) || cookie(name); }
    catch (e) { return cookie(name); }  // the browser may forbid storage
  }
  function write(name, value) {
    var secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = name + "=" + value + "; Path=/; SameSite=Lax; Max-Age=" +
      (value ? AGE : 0) + secure;
    try {
      if (value) window.localStorage.setItem(name, value);
      else window.localStorage.removeItem(name);
    } catch (e) { /* the cookie is enough */ }
  }
  function hasOptedOut() {
    return navigator.globalPrivacyControl === true || navigator.doNotTrack === "1" ||
      read(OUT) === "1";
  }

  // Remove the click token from the address before the visitor copies it. Nothing else of
  // the address changes.
  function takeClick() {
    var click = "", kept = location.search.slice(1).split("&").filter(function (pair) {
      if (pair.split("=")[0] !== PARAMETER) return true;
      click = pair.slice(PARAMETER.length + 1);
      return false;
    }).join("&");
    if (click) {
      // With the origin, because a path that begins with // alone is another host.
      history.replaceState(history.state, "", location.origin + location.pathname +
        (kept ? "?" + kept : "") + location.hash);
    }
    return click;
  }

  function post(body) {
    body.site_key = site;
    // Text needs no preflight request. Cookies of the short host are not sent.
    return fetch(url, { method: "POST", credentials: "omit", keepalive: true,
      referrerPolicy: "no-referrer", body: JSON.stringify(body) });
  }
  function redeem(click, tries) {
    return post({ click: click, visitor_uid: read(NAME) }).then(function (response) {
      if (response.status === 503 && tries > 1) {  // the visit is not stored yet
        return new Promise(function (resolve) { setTimeout(resolve, 5000); })
          .then(function () { return redeem(click, tries - 1); });
      }
      return response.ok ? response.json() : {};
    }).then(function (found) {
      if (!found.visitor_uid || hasOptedOut()) return;
      write(NAME, found.visitor_uid);
      redeemed = { click: click, visitor_uid: found.visitor_uid, gesture: true };
      sendGesture();
    });
  }

  // Scanners run scripts too, so a gesture on the page shows that a person opened it. It is
  // sent once.
  function sendGesture() {
    if (!gestured || !redeemed) return;
    post(redeemed).catch(function () {});
    redeemed = null;
  }
  function recordGesture(event) {
    if (!event.isTrusted) return;
    GESTURES.forEach(function (name) { removeEventListener(name, recordGesture, true); });
    gestured = true;
    sendGesture();
  }
  var GESTURES = ["pointerdown", "keydown", "touchstart"];

  function callWaiting() {
    ready = true;
    waiting.splice(0).forEach(function (callback) { callback(pixel.getVisitorUid()); });
  }
  var pixel = {
    getVisitorUid: function () { return hasOptedOut() ? null : read(NAME) || null; },
    // Call back after the redemption, with the uid or null.
    onload: function (callback) {
      if (ready) callback(pixel.getVisitorUid());
      else waiting.push(callback);
    },
    optOut: function () { write(NAME, ""); write(OUT, "1"); },
    optIn: function () { write(OUT, ""); }
  };
  window.SLPixel = pixel;
  if (script.getAttribute("data-compat") === "amo") window.AMOPIXEL_IDENTIFIER = pixel;

  var click = takeClick();
  if (!click || hasOptedOut()) return callWaiting();
  GESTURES.forEach(function (name) {
    addEventListener(name, recordGesture, { capture: true, passive: true });
  });
  redeem(click, 6).catch(function () {}).then(callWaiting);
})(window, document);
