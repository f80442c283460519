// @ts-check
/** The table of runs: what differs between them, nested runs as a tree. */

import { h, statusIcon, visible } from "./dom.js";
import { UNKNOWN, age, count, duration, metric, plural } from "./format.js";
import { emptyPage } from "./empty.js";
import { address, replaceAddress } from "./route.js";

/** @typedef {import("./types.js").RunRow} RunRow */
/** @typedef {import("./report.js").Report} Report */
/** @typedef {import("./report.js").Page} Page */
/** @typedef {import("./route.js").Route} Route */
/** @typedef {{ key: string, label: string, isNumber: boolean, value: (run: RunRow) => any, text: (run: RunRow) => string }} Column */

const MOST_ROWS = 500;

/** @param {Report} report @param {Route} route @returns {Page} */
export function runsPage(report, route) {
  if (!report.runRows.length) {
    return {
      title: "Runs",
      element: emptyPage(
        "No run in this file",
        ["A run groups traces, params and metrics:"],
        'with tracekit.start_run(run_name="first try"):\n    tracekit.log_param("temperature", 0.2)\n    tracekit.log_metric("accuracy", 0.91, step=1)',
      ),
    };
  }
  const table = new RunTable(report, route.state);
  return { title: "Runs", element: table.element };
}

class RunTable {
  /** @param {Report} report @param {URLSearchParams} state */
  constructor(report, state) {
    this.report = report;
    this.sort = state.get("sort") ?? "-started";
    this.showsAll = state.get("cols") === "all";
    this.limit = MOST_ROWS;
    this.element = h("div.page");
    const columns = [
      ...keyed(report.runRows, "params", false),
      ...keyed(report.runRows, "metrics", true),
    ];
    this.constant = columns.filter((column) => isConstant(column, report.runRows));
    this.varying = columns.filter((column) => !this.constant.includes(column));
    this.#draw();
  }

  #draw() {
    const columns = [
      ...fixedColumns(this.report),
      ...(this.showsAll ? [...this.varying, ...this.constant] : this.varying),
    ];
    const rows = nested(this.report.runRows, this.#order(columns));
    const hidden = this.constant.length;
    this.element.replaceChildren(
      h(
        "div.toolbar.bare",
        null,
        h("span.muted", null, plural(rows.length, "run")),
        h("span.grow"),
        hidden
          ? h(
              "button.button.small",
              {
                type: "button",
                "aria-pressed": String(this.showsAll),
                on: { click: () => this.#toggle() },
              },
              this.showsAll
                ? "Hide constant columns"
                : `${plural(hidden, "constant column")} hidden · show`,
            )
          : null,
      ),
      h(
        "div.card.scroll",
        { tabindex: 0, role: "region", "aria-label": "Runs" },
        h(
          "table.runs",
          null,
          h(
            "thead",
            null,
            h(
              "tr",
              null,
              columns.map((column) => this.#header(column)),
            ),
          ),
          h(
            "tbody",
            null,
            rows.slice(0, this.limit).map(({ run, depth }) => this.#row(run, depth, columns)),
          ),
        ),
      ),
    );
    if (rows.length > this.limit) {
      this.element.append(
        h(
          "button.button",
          {
            type: "button",
            on: {
              click: () => {
                this.limit += MOST_ROWS;
                this.#draw();
              },
            },
          },
          `Show ${count(Math.min(MOST_ROWS, rows.length - this.limit))} more`,
        ),
      );
    }
  }

  /** @param {Column} column */
  #header(column) {
    const direction = this.sort === column.key ? " ↑" : this.sort === "-" + column.key ? " ↓" : "";
    return h(
      `th${column.isNumber ? ".number" : ""}`,
      {
        scope: "col",
        "aria-sort": direction === " ↑" ? "ascending" : direction ? "descending" : null,
      },
      h(
        "button",
        { type: "button", on: { click: () => this.#sortBy(column.key) } },
        visible(column.label) + direction,
      ),
    );
  }

  /** @param {RunRow} run @param {number} depth @param {Column[]} columns */
  #row(run, depth, columns) {
    return h(
      "tr",
      null,
      columns.map((column, i) =>
        i === 0
          ? h(
              "th",
              { scope: "row" },
              h(
                "span.line-up",
                { css: { "padding-inline-start": `${depth * 16}px` } },
                statusIcon(run.status),
                h(
                  "a.ellipsis",
                  { href: address("run", [run.id]), title: visible(run.name) },
                  visible(run.name),
                ),
              ),
            )
          : h(
              `td${column.isNumber ? ".number" : ""}`,
              { title: visible(column.value(run) ?? "") },
              visible(column.text(run)),
            ),
      ),
    );
  }

  /** @param {string} key */
  #sortBy(key) {
    this.sort = this.sort === "-" + key ? key : "-" + key;
    this.#keep();
  }

  #toggle() {
    this.showsAll = !this.showsAll;
    this.#keep();
  }

  #keep() {
    replaceAddress(
      address("runs", [], {
        sort: this.sort === "-started" ? null : this.sort,
        cols: this.showsAll ? "all" : null,
      }),
    );
    this.#draw();
  }

  /** @param {Column[]} columns @returns {(a: RunRow, b: RunRow) => number} */
  #order(columns) {
    const column =
      columns.find((one) => one.key === this.sort.replace(/^-/, "")) ?? columns[columns.length - 1];
    const sign = this.sort.startsWith("-") ? -1 : 1;
    return (a, b) => {
      const [x, y] = [comparable(column.value(a)), comparable(column.value(b))];
      if (x === y) return b.start_ms - a.start_ms;
      if (x === null || y === null) return x === null ? 1 : -1;
      if (typeof x !== typeof y) return typeof x === "number" ? -1 : 1;
      return x < y ? -sign : sign;
    };
  }
}

/** @param {any} value @returns {number | string | null} what is missing stands last */
function comparable(value) {
  if (value === null || value === undefined) return null;
  const number = Number(value);
  return value !== "" && !Number.isNaN(number)
    ? number
    : String(value) === "NaN"
      ? null
      : String(value);
}

/** @param {Report} report @returns {Column[]} */
function fixedColumns(report) {
  const text = (
    /** @type {string} */ key,
    /** @type {string} */ label,
    /** @type {(run: RunRow) => any} */ value,
  ) => ({
    key,
    label,
    isNumber: false,
    value,
    text: (/** @type {RunRow} */ run) => String(value(run) ?? UNKNOWN),
  });
  const took = (/** @type {RunRow} */ run) =>
    run.end_ms === null ? null : run.end_ms - run.start_ms;
  const experiments = new Set(report.runRows.map((run) => run.experiment));
  return [
    text("name", "Run", (run) => run.name),
    ...(experiments.size > 1 ? [text("experiment", "Experiment", (run) => run.experiment)] : []),
    {
      key: "started",
      label: "Age",
      isNumber: true,
      value: (run) => run.start_ms,
      text: (run) => age(run.start_ms, report.now),
    },
    {
      key: "took",
      label: "Took",
      isNumber: true,
      value: took,
      text: (run) => {
        const ms = took(run);
        return ms === null ? run.status.toLowerCase() : duration(ms * 1e6);
      },
    },
  ];
}

/** A column for each key. @param {RunRow[]} runs @param {"params" | "metrics"} part @param {boolean} isMetric @returns {Column[]} */
function keyed(runs, part, isMetric) {
  const keys = [...new Set(runs.flatMap((run) => Object.keys(run[part])))].sort();
  return keys.map((key) => {
    const value = (/** @type {RunRow} */ run) =>
      Object.hasOwn(run[part], key) ? run[part][key] : null;
    const isNumber =
      isMetric ||
      runs.every(
        (run) => value(run) === null || (value(run) !== "" && !Number.isNaN(Number(value(run)))),
      );
    return {
      key: `${part}.${key}`,
      label: key,
      isNumber,
      value,
      text: (run) => (isMetric ? metric(value(run)) : String(value(run) ?? UNKNOWN)),
    };
  });
}

/** @param {Column} column @param {RunRow[]} runs */
function isConstant(column, runs) {
  return runs.length > 1 && runs.every((run) => column.value(run) === column.value(runs[0]));
}

/** Runs under their parents, each level in order. @param {RunRow[]} runs @param {(a: RunRow, b: RunRow) => number} order */
export function nested(runs, order) {
  const ids = new Set(runs.map((run) => run.id));
  /** @type {Map<string | null, RunRow[]>} */
  const below = new Map();
  for (const run of [...runs].sort(order)) {
    const parent = run.parent && ids.has(run.parent) && run.parent !== run.id ? run.parent : null;
    const siblings = below.get(parent);
    if (siblings) siblings.push(run);
    else below.set(parent, [run]);
  }
  const rows = [];
  const seen = new Set();
  const stack = (below.get(null) ?? []).map((run) => ({ run, depth: 0 })).reverse();
  while (stack.length) {
    const row = /** @type {{ run: RunRow, depth: number }} */ (stack.pop());
    if (seen.has(row.run.id)) continue;
    seen.add(row.run.id);
    rows.push(row);
    for (const child of (below.get(row.run.id) ?? []).toReversed())
      stack.push({ run: child, depth: row.depth + 1 });
  }
  for (const run of runs) if (!seen.has(run.id)) rows.push({ run, depth: 0 }); // parents in a circle
  return rows;
}
