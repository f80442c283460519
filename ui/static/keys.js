// @ts-check
/** The keyboard: keys of the page, keys that hold everywhere, and the list of both. */

import { h } from "./dom.js";
import { settings } from "./route.js";

/** @typedef {import("./report.js").Page} Page */

/** @type {[string, string][]} */
const HELP = [
  ["/", "search"],
  ["g then o, t, r", "overview, traces, runs"],
  ["j k  or  ↓ ↑", "next, previous row or span"],
  ["Enter", "open the chosen row"],
  ["Esc", "back to the list, at the same row"],
  ["[ ]", "trace before, after, in the current filter"],
  ["→ ←", "open or enter a span, close or leave it"],
  ["Shift E", "open all below"],
  ["e", "next error"],
  ["w", "width of the bars: time, tokens, cost"],
  ["z", "zoom to the chosen span and back"],
  ["c", "copy the link of this place"],
  ["y", "copy the trace as JSON"],
  ["?", "this list"],
];

/** @type {Record<string, string>} */
const PAGES = { o: "#/overview", t: "#/traces", r: "#/runs" };

const isOff = () => settings.get("keys") === "off";

/** The dialog that `?` opens. */
export function helpDialog() {
  const off = h("input", {
    type: "checkbox",
    checked: !isOff(),
    on: { change: () => settings.set("keys", off.checked ? "on" : "off") },
  });
  const dialog = h(
    "dialog.help",
    { "aria-label": "Keyboard" },
    h("h2", null, "Keyboard"),
    h(
      "dl",
      null,
      HELP.map(([keys, what]) => [h("dt", null, h("kbd", null, keys)), h("dd", null, what)]),
    ),
    h("label.line-up", null, off, "Keys of one letter are on"),
    h("form", { method: "dialog" }, h("button.button", { value: "close" }, "Close")),
  );
  return dialog;
}

/** @param {() => Page | null} page @param {HTMLDialogElement} help @param {HTMLInputElement} search */
export function listen(page, help, search) {
  let afterG = 0;
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey || help.open)
      return;
    const target = /** @type {HTMLElement} */ (event.target);
    if (
      /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName) &&
      /** @type {HTMLInputElement} */ (target).type !== "checkbox"
    ) {
      if (event.key === "Escape") target.blur();
      return;
    }
    if (event.key.length === 1 && isOff() && event.key !== "?") return;
    if (/^(BUTTON|A|SUMMARY|AUDIO)$/.test(target.tagName) && event.key === "Enter") return;
    if (target.closest(".span-body, .scroll, .page") && event.key.startsWith("Arrow")) return;
    const isAfterG = event.timeStamp - afterG < 1500;
    afterG = 0;
    if (isAfterG && PAGES[event.key]) location.hash = PAGES[event.key];
    else if (event.key === "g") afterG = event.timeStamp;
    else if (event.key === "/") (page()?.search ?? search).focus();
    else if (event.key === "?") help.showModal();
    else if (event.key === "c") void navigator.clipboard?.writeText(location.href).catch(() => {});
    else if (page()?.keys?.[event.key]) page()?.keys?.[event.key]();
    else return;
    event.preventDefault();
  });
}
