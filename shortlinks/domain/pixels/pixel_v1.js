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
    catch (e) { return cookie(name); }  // storage may be closed to us
  }
  function write(name, value) {
    var secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = name + "=" + value + "; Path=/; SameSite=Lax; Max-Age=" +
      (value ? AGE : 0) + secure;
    try {
      if (value) window.localStorage.setItem(name, value);
      else window.localStorage.removeItem(name);
    } catch (e) { /* the cookie has it */ }
  }
  function objects() {
    return navigator.globalPrivacyControl === true || navigator.doNotTrack === "1" ||
      read(OUT) === "1";
  }

  // Out of the address before anybody copies it; the rest of it stays to the byte.
  function takeClick() {
    var click = "", kept = location.search.slice(1).split("&").filter(function (pair) {
      if (pair.split("=")[0] !== PARAMETER) return true;
      click = pair.slice(PARAMETER.length + 1);
      return false;
    }).join("&");
    if (click) {
      // with the origin: alone, a path that begins with // would name another host
      history.replaceState(history.state, "", location.origin + location.pathname +
        (kept ? "?" + kept : "") + location.hash);
    }
    return click;
  }

  function post(body) {
    body.site_key = site;
    // A plain text needs no preflight; cookies of the short host are not wanted.
    return fetch(url, { method: "POST", credentials: "omit", keepalive: true,
      referrerPolicy: "no-referrer", body: JSON.stringify(body) });
  }
  function redeem(click, tries) {
    return post({ click: click, visitor_uid: read(NAME) }).then(function (answer) {
      if (answer.status === 503 && tries > 1) {  // the open is still on its way
        return new Promise(function (done) { setTimeout(done, 5000); })
          .then(function () { return redeem(click, tries - 1); });
      }
      return answer.ok ? answer.json() : {};
    }).then(function (found) {
      if (!found.visitor_uid || objects()) return;
      write(NAME, found.visitor_uid);
      redeemed = { click: click, visitor_uid: found.visitor_uid, gesture: true };
      tellGesture();
    });
  }

  // A scanner runs scripts, too; a hand on the page tells a person. Said once.
  function tellGesture() {
    if (!gestured || !redeemed) return;
    post(redeemed).catch(function () {});
    redeemed = null;
  }
  function feel(event) {
    if (!event.isTrusted) return;
    GESTURES.forEach(function (name) { removeEventListener(name, feel, true); });
    gestured = true;
    tellGesture();
  }
  var GESTURES = ["pointerdown", "keydown", "touchstart"];

  function tell() {
    ready = true;
    waiting.splice(0).forEach(function (call) { call(pixel.getVisitorUid()); });
  }
  var pixel = {
    getVisitorUid: function () { return objects() ? null : read(NAME) || null; },
    // Calls back once it is known whether the visitor is: with the uid, or null.
    onload: function (call) {
      if (ready) call(pixel.getVisitorUid());
      else waiting.push(call);
    },
    optOut: function () { write(NAME, ""); write(OUT, "1"); },
    optIn: function () { write(OUT, ""); }
  };
  window.SLPixel = pixel;
  if (script.getAttribute("data-compat") === "amo") window.AMOPIXEL_IDENTIFIER = pixel;

  var click = takeClick();
  if (!click || objects()) return tell();
  GESTURES.forEach(function (name) {
    addEventListener(name, feel, { capture: true, passive: true });
  });
  redeem(click, 6).catch(function () {}).then(tell);
})(window, document);
