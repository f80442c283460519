// @ts-check
/** What an empty page says: how to make it less empty. */

import { h } from "./dom.js";

/** @typedef {import("./report.js").Report} Report */

/** @param {Report} report */
export function teach(report) {
  const filter = report.facts.filter;
  if (filter) {
    return emptyPage("No trace passes the filter of this report", [
      `This file was written with the filter ${filter}`,
    ]);
  }
  return emptyPage(
    "No trace was recorded yet",
    ["Three lines record the first:"],
    "import tracekit\n\ntracekit.autolog()   # every OpenAI and LangChain call becomes a span\n…                    # your program, unchanged\ntracekit.report()    # this file",
  );
}

/** @param {string} title @param {string[]} texts @param {string} [code] */
export function emptyPage(title, texts, code) {
  return h(
    "div.empty",
    null,
    h("h2", null, title),
    texts.map((text) => h("p.muted", null, text)),
    code ? h("pre", null, code) : null,
  );
}
