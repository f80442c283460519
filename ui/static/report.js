// @ts-check
/** What all pages share: the index as read, and where the reader is. */

import { places } from "./route.js";
import { TraceTable } from "./table.js";

/** @typedef {import("./types.js").Index} Index */
/** @typedef {import("./types.js").RunRow} RunRow */
/**
 * @typedef {Object} Page
 * @property {string} title
 * @property {HTMLElement} element
 * @property {string} [crumb] What the line at the top says, where the page brings its heading.
 * @property {[string, string][]} [above] Crumbs before the title: text and address.
 * @property {boolean} [hasHeading] The page brings its own `h1`.
 * @property {() => void} [shown] Called when it is in the document.
 * @property {() => void} [left] Called when it leaves the document.
 * @property {Record<string, () => void>} [keys] What keys do on this page.
 * @property {HTMLInputElement} [search] The field that `/` leads to.
 */

export class Report {
  /** @param {Index} index */
  constructor(index) {
    this.facts = index.report;
    this.table = new TraceTable(index.traces);
    this.runRows = index.runs;
    this.runs = new Map(index.runs.map((run) => [run.id, run]));
    this.blobs = new Map(Object.entries(index.blobs));
    /** Ages count from here: the file does not grow older by being read. */
    this.now = index.report.created_ms;
    this.places = places(`${index.report.created_ms}.${index.traces.count}`);
    /** Rows as last listed: what `[` and `]` walk through. */
    this.inOrder = Uint32Array.from({ length: index.traces.count }, (_, i) => i);
    this.listAddress = "#/traces";
    /** @type {Set<string>} */
    this.openFacets = new Set();
  }
}
