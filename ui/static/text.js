// @ts-check
/** Text that people read: rendered or as typed, long ones folded with their end in sight. */

import { copyButton, h, visible } from "./dom.js";
import { bytes, count } from "./format.js";
import { jsonText, jsonTree } from "./json.js";
import { markdown } from "./markdown.js";
import { settings } from "./route.js";

const MOST_LINES = 40;
const MOST_CHARACTERS = 4000;
const END_LINES = 8;
const MOST_MARKDOWN = 200_000;

export const isSource = () => settings.get("source") === "yes";
const isUnfolded = () => settings.get("unfolded") === "yes";

/** Prose of people and models. @param {string} text @returns {HTMLElement} */
export function prose(text) {
  return folded(text, (piece) =>
    isSource() || piece.length > MOST_MARKDOWN
      ? h("pre.source", { dir: "auto" }, visible(piece))
      : markdown(piece),
  );
}

/** Code, stacks, bodies. @param {string} text @returns {HTMLElement} */
export function code(text) {
  return folded(text, (piece) => h("pre", { tabindex: 0 }, visible(piece)));
}

/** A value as its kind asks: prose, or a tree of JSON. @param {any} value @returns {HTMLElement} */
export function valueView(value) {
  if (typeof value !== "string") return isSource() ? code(jsonText(value)) : jsonTree(value);
  const inner = jsonInside(value);
  return inner !== undefined && !isSource() ? jsonTree(inner) : prose(value);
}

/** An object or list that a text holds. @param {string} text */
function jsonInside(text) {
  if (!/^\s*[[{]/.test(text) || /\d{16}/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @param {string} text @param {(piece: string) => HTMLElement} make */
function folded(text, make) {
  const lines = text.split("\n");
  if (isUnfolded() || (lines.length <= MOST_LINES && text.length <= MOST_CHARACTERS))
    return make(text);
  const [start, end] = ends(text, lines);
  const hidden = text.length - start.length - end.length;
  const box = h("div.folded-text");
  const open = () => box.replaceChildren(make(text));
  const always = h(
    "button.link",
    {
      type: "button",
      on: {
        click: () => {
          settings.set("unfolded", "yes");
          open();
        },
      },
    },
    "always open",
  );
  const more = h(
    "button.link",
    { type: "button", on: { click: open } },
    `show ${count(hidden)} characters more (${bytes(text.length)}, ${count(lines.length)} lines)`,
  );
  box.append(make(start), h("div.fold", null, "⋯ ", more, " · ", always), make(end));
  return box;
}

/** What stays in sight. @param {string} text @param {string[]} lines */
function ends(text, lines) {
  const byLines = lines.length > MOST_LINES;
  const start = byLines ? lines.slice(0, MOST_LINES - END_LINES - 2).join("\n") : text;
  const end = byLines ? lines.slice(-END_LINES).join("\n") : text;
  const [mostStart, mostEnd] = [MOST_CHARACTERS * 0.7, MOST_CHARACTERS * 0.2];
  return [
    start.length > mostStart ? start.slice(0, mostStart) : start,
    end.length > mostEnd ? end.slice(-mostEnd) : end,
  ];
}

/** A titled value with a way to copy it. @param {string} title @param {any} value */
export function panel(title, value) {
  return h(
    "section.panel",
    { "aria-label": title },
    h(
      "div.panel-head",
      null,
      h("h3", null, title),
      copyButton("Copy", () => (typeof value === "string" ? value : jsonText(value))),
    ),
    valueView(value),
  );
}
