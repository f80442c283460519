// @ts-check
/** JSON as a tree that opens lazily; long strings with their real line breaks. */

import { h, visible } from "./dom.js";
import { count, plural } from "./format.js";

const OPEN_LEVELS = 2;
const OPEN_NODES = 50;
const MOST_CHILDREN = 200;
const MOST_TEXT = 4000;
const MOST_LINE = 90;

/** Integers that JavaScript can't hold come as `{"$number": "…"}`. @param {any} value */
function bigNumber(value) {
  const keys = value !== null && typeof value === "object" ? Object.keys(value) : [];
  return keys.length === 1 && keys[0] === "$number" ? String(value.$number) : null;
}

/** Exact JSON text. @param {any} value @param {number} [indent] */
export function jsonText(value, indent = 2) {
  /** @type {Map<string, string>} */
  const big = new Map();
  const mark = `number-${Math.random()}-`;
  const text = JSON.stringify(
    value,
    (_, item) => {
      const digits = bigNumber(item);
      if (digits === null) return item;
      const key = mark + big.size;
      big.set(key, digits);
      return key;
    },
    indent,
  );
  if (text === undefined) return "";
  return big.size
    ? text.replace(/"(number-[\d.]+-\d+)"/g, (all, key) => big.get(key) ?? all)
    : text;
}

/** @param {any} value @returns {HTMLElement} */
export function jsonTree(value) {
  const line = oneLine(value);
  if (line) return line;
  const budget = { nodes: OPEN_NODES };
  return h(
    "div.json",
    { tabindex: 0, role: "group", "aria-label": "JSON" },
    entry(null, value, 0, budget, true),
  );
}

/** A small flat value in one line. @param {any} value */
function oneLine(value) {
  if (value === null || typeof value !== "object" || bigNumber(value) !== null) return null;
  const items = Array.isArray(value) ? value.map((item) => [null, item]) : Object.entries(value);
  const isFlat = items.every(([, item]) => item === null || typeof item !== "object");
  if (!isFlat || items.length > 6 || JSON.stringify(value).length > MOST_LINE) return null;
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  return h(
    "div.json.one-line",
    null,
    open,
    items.map(([key, item], i) => [
      i ? ", " : "",
      key === null ? null : [h("span.key", null, visible(JSON.stringify(key))), ": "],
      scalar(item),
    ]),
    close,
  );
}

/** @param {string | number | null} key @param {any} value @param {number} level @param {{ nodes: number }} budget @param {boolean} isLast @returns {HTMLElement} */
function entry(key, value, level, budget, isLast) {
  budget.nodes--;
  const name =
    typeof key === "string" ? [h("span.key", null, visible(JSON.stringify(key))), ": "] : [];
  const comma = isLast ? "" : ",";
  const big = bigNumber(value);
  if (big !== null) return h("div.line", null, name, h("span.number", null, big), comma);
  if (value === null || typeof value !== "object")
    return h("div.line", null, name, scalar(value), comma);
  return container(name, value, level, budget, comma);
}

/** @param {any} name @param {any} value @param {number} level @param {{ nodes: number }} budget @param {string} comma */
function container(name, value, level, budget, comma) {
  const isList = Array.isArray(value);
  const items = isList ? value.map((item, i) => [i, item]) : Object.entries(value);
  const [open, close] = isList ? "[]" : "{}";
  const line = level > 0 ? oneLine(value) : null;
  if (line) return h("div.line", null, name, ...line.childNodes, comma);
  if (!items.length) return h("div.line", null, name, open + close + comma);
  const details = h(
    "details",
    { open: level < OPEN_LEVELS && budget.nodes > 0 },
    h(
      "summary",
      null,
      name,
      open,
      h(
        "span.folded",
        null,
        ` … ${plural(items.length, isList ? "item" : "key")} ${close}${comma}`,
      ),
    ),
  );
  const body = h("div.nested");
  const build = () => {
    if (body.hasChildNodes()) return;
    addEntries(body, /** @type {[any, any][]} */ (items), 0, level + 1, budget);
  };
  if (details.open) build();
  else
    details.addEventListener(
      "toggle",
      () => {
        budget.nodes = OPEN_NODES;
        build();
      },
      { once: true },
    );
  details.append(body, h("div.line.close", null, close + comma));
  return details;
}

/** @param {HTMLElement} body @param {[any, any][]} items @param {number} from @param {number} level @param {{ nodes: number }} budget */
function addEntries(body, items, from, level, budget) {
  const to = Math.min(items.length, from + MOST_CHILDREN);
  for (let i = from; i < to; i++) {
    body.append(entry(items[i][0], items[i][1], level, budget, i === items.length - 1));
  }
  if (to < items.length) {
    const more = h("button.link", { type: "button" }, `show ${count(items.length - to)} more`);
    more.addEventListener("click", () => {
      more.remove();
      addEntries(body, items, to, level, budget);
    });
    body.append(more);
  }
}

/** @param {any} value */
function scalar(value) {
  if (typeof value !== "string")
    return h(`span.${typeof value === "number" ? "number" : "word"}`, null, String(value));
  if (!value.includes("\n") && value.length < 200)
    return h("span.string", null, visible(JSON.stringify(value)));
  const shown = value.length > MOST_TEXT ? value.slice(0, MOST_TEXT) : value;
  const block = h("div.text", { dir: "auto" }, visible(shown));
  if (shown === value) return block;
  const more = h(
    "button.link",
    { type: "button" },
    `… ${count(value.length - MOST_TEXT)} characters more · show`,
  );
  more.addEventListener("click", () => {
    block.textContent = visible(value);
    more.remove();
  });
  return h("div", null, block, more);
}
