// @ts-check
/** The first page: how many, how many failed, how slow, how dear; each number opens its rows. */

import { card, h, visible } from "./dom.js";
import { UNKNOWN, age, cost, count, duration, percent, plural, tokens } from "./format.js";
import { barChart, lineChart } from "./charts.js";
import { lastName } from "./columns.js";
import { teach } from "./empty.js";
import { address } from "./route.js";
import { traceTable } from "./short.js";
import { quantile } from "./table.js";

/** @typedef {import("./report.js").Report} Report */
/** @typedef {import("./report.js").Page} Page */
/** @typedef {{ from: number, to: number, rows: number[] }} Bin */

const MOST_LISTED = 6;
const HOUR = 3_600_000;
const WIDTHS = [
  1000,
  5000,
  15_000,
  60_000,
  5 * 60_000,
  15 * 60_000,
  HOUR,
  6 * HOUR,
  24 * HOUR,
  7 * 24 * HOUR,
  30 * 24 * HOUR,
];
/** @type {Record<number, string>} */
const WIDTH_NAMES = {
  1000: "second",
  5000: "5 seconds",
  15000: "15 seconds",
  60000: "minute",
  300000: "5 minutes",
  900000: "15 minutes",
  [HOUR]: "hour",
  [6 * HOUR]: "6 hours",
  [24 * HOUR]: "day",
  [168 * HOUR]: "week",
  [720 * HOUR]: "30 days",
};

/** @param {Report} report @returns {Page} */
export function overviewPage(report) {
  const { table } = report;
  if (!table.count) return { title: "Overview", element: teach(report) };
  const rows = Array.from({ length: table.count }, (_, i) => i);
  const failed = rows.filter((row) => table.value("status", row) === "ERROR");
  const open = rows.filter((row) => table.value("status", row) === "UNFINISHED");
  const { bins, width } = binned(report, rows);
  return {
    title: "Overview",
    element: h(
      "div.page",
      null,
      report.facts.notes.map((note) => h("p.banner.is-warning", null, visible(note))),
      totals(report, rows, failed),
      h(
        "div.grid.wide-narrow",
        null,
        card(
          `Traces per ${WIDTH_NAMES[width]}`,
          legend(),
          h("div.card-body", null, traffic(report, bins)),
        ),
        card("Took", "p50 solid, p95 dashed", h("div.card-body", null, latency(report, bins))),
      ),
      h("div.grid.wide-narrow", null, failures(report, failed), costByModel(report, rows)),
      h(
        "div.grid.wide-narrow",
        null,
        failed.length
          ? card(
              "Newest failures",
              h(
                "a",
                { href: address("traces", [], { status: "ERROR" }) },
                `all ${count(failed.length)}`,
              ),
              traceTable(report, failed.slice(0, MOST_LISTED)),
            )
          : card(
              "Newest traces",
              h("a", { href: "#/traces" }, `all ${count(rows.length)}`),
              traceTable(report, rows.slice(0, MOST_LISTED)),
            ),
        h("div.stack", null, unfinished(report, open), runs(report)),
      ),
    ),
  };
}

/** @param {Report} report @param {number[]} rows @param {number[]} failed */
function totals({ table }, rows, failed) {
  const sum = (/** @type {Float64Array} */ column) =>
    rows.reduce((total, row) => total + (column[row] || 0), 0);
  const priced = rows.filter((row) => !Number.isNaN(table.cost[row])).length;
  const unpriced = rows.filter(
    (row) => Number.isNaN(table.cost[row]) && table.tokens[row] > 0,
  ).length;
  const money = sum(table.cost);
  const [p50, p95] = [0.5, 0.95].map((share) => quantile(table.duration, share));
  const [input, output] = [sum(table.inputTokens), sum(table.outputTokens)];
  const total = (
    /** @type {string} */ name,
    /** @type {string} */ value,
    /** @type {string} */ more,
    /** @type {string} */ href,
  ) =>
    h(
      "a.total",
      { href },
      h("span.total-name", null, name),
      h("span.total-value", null, value),
      h("span.total-more", null, more),
    );
  return h(
    "section.card.totals",
    { "aria-label": "Totals" },
    total(
      "Traces",
      count(rows.length),
      plural(new Set(rows.map((row) => table.value("name", row))).size, "name"),
      "#/traces",
    ),
    total(
      "Failed",
      failed.length ? percent(failed.length / rows.length, 1) : "0",
      failed.length ? plural(failed.length, "trace") : "none",
      address("traces", [], { status: "ERROR" }),
    ),
    total(
      "Took, median",
      duration(p50),
      `p95 ${duration(p95)}`,
      address("traces", [], {
        sort: "-dur",
        slow: Number.isNaN(p95) ? null : Math.floor(p95 / 1e6),
      }),
    ),
    total(
      "Cost",
      priced ? cost(money) : UNKNOWN,
      unpriced
        ? `${plural(unpriced, "trace")} without known price`
        : priced
          ? `${cost(money / priced)} a trace`
          : "no price known",
      "#/traces?sort=-cost",
    ),
    total(
      "Tokens",
      tokens(input + output),
      `${tokens(input)} in, ${tokens(output)} out`,
      "#/traces?sort=-tokens",
    ),
  );
}

/** @param {Report} report @param {number[]} rows */
function binned({ table }, rows) {
  const [first, last] = rows.reduce(
    ([low, high], row) => [Math.min(low, table.start[row]), Math.max(high, table.start[row])],
    [Infinity, -Infinity],
  );
  const width = WIDTHS.find((one) => (last - first) / one <= 36) ?? WIDTHS[WIDTHS.length - 1];
  const begin = Math.floor(first / width) * width;
  /** @type {Bin[]} */
  const bins = Array.from(
    { length: Math.min(400, Math.floor((last - begin) / width) + 1) },
    (_, i) => ({ from: begin + i * width, to: begin + (i + 1) * width, rows: [] }),
  );
  for (const row of rows)
    bins[Math.min(bins.length - 1, Math.floor((table.start[row] - begin) / width))].rows.push(row);
  return { bins, width };
}

/** @param {number} ms @param {number} span */
function clock(ms, span) {
  const text = new Date(ms).toISOString();
  return span > 2 * 24 * HOUR ? text.slice(5, 10) : text.slice(11, span < HOUR / 4 ? 19 : 16);
}

/** @param {Bin[]} bins */
const spanOf = (bins) => bins[bins.length - 1].to - bins[0].from;

/** @param {Report} report @param {Bin[]} bins */
function traffic({ table }, bins) {
  return barChart({
    label: "Traces over time, finished and failed",
    x: (ms) => clock(ms, spanOf(bins)),
    y: count,
    bars: bins.map(({ from, to, rows }) => {
      const failed = rows.filter((row) => table.value("status", row) === "ERROR").length;
      return {
        from,
        to,
        parts: [
          [failed, "bar-failed"],
          [rows.length - failed, "bar-fine"],
        ],
        href: address("traces", [], { from, to }),
        title: `${new Date(from).toISOString().slice(0, 16).replace("T", " ")} UTC: ${plural(rows.length, "trace")}, ${count(failed)} failed`,
      };
    }),
  });
}

function legend() {
  return h("span", null, h("i.swatch.bar-fine"), "finished ", h("i.swatch.bar-failed"), "failed");
}

/** @param {Report} report @param {Bin[]} bins */
function latency({ table }, bins) {
  const line = (/** @type {number} */ share) =>
    bins.flatMap((bin) => {
      const value = quantile(
        bin.rows.map((row) => table.duration[row]),
        share,
      );
      return Number.isNaN(value) ? [] : [/** @type {[number, number]} */ ([bin.from, value])];
    });
  return lineChart({
    label: "How long traces took, median and 95th percentile",
    zero: true,
    height: 170,
    x: (ms) => clock(ms, spanOf(bins)),
    y: (ns) => (ns === 0 ? "0" : duration(ns)),
    lines: [
      { name: "p50", points: line(0.5), className: "series-1" },
      { name: "p95", points: line(0.95), className: "series-2", dash: "5 3" },
    ],
  });
}

/** Grouped by type and place. @param {Report} report @param {number[]} failed */
function failures({ table, now }, failed) {
  if (!failed.length)
    return card("Needs attention", "", h("p.card-body.muted", null, "Nothing failed."));
  /** @type {Map<string, { error: string, name: string, rows: number[] }>} */
  const groups = new Map();
  for (const row of failed) {
    const [error, name] = [table.value("error", row) ?? "", table.value("name", row) ?? ""];
    const key = JSON.stringify([error, name]);
    const group = groups.get(key) ?? { error, name, rows: [] };
    group.rows.push(row);
    groups.set(key, group);
  }
  const list = [...groups.values()]
    .sort((a, b) => b.rows.length - a.rows.length)
    .slice(0, MOST_LISTED);
  return card(
    "Needs attention",
    "grouped by error, most frequent first",
    h(
      "table",
      null,
      h(
        "thead",
        null,
        h(
          "tr",
          null,
          h("th", null, "Error"),
          h("th", null, "In"),
          h("th.number", null, "Traces"),
          h("th.number", null, "Last seen"),
        ),
      ),
      h(
        "tbody",
        null,
        list.map(({ error, name, rows }) =>
          h(
            "tr",
            null,
            h(
              "td",
              { title: visible(error) },
              h(
                "a.error-link",
                { href: address("traces", [], { status: "ERROR", error: error || null, name }) },
                "✕ ",
                visible(lastName(error || "error")),
              ),
            ),
            h("td.muted", null, visible(name)),
            h("td.number", null, count(rows.length)),
            h(
              "td.number.muted",
              null,
              `${age(Math.max(...rows.map((row) => table.start[row])), now)}`,
            ),
          ),
        ),
      ),
    ),
  );
}

/** @param {Report} report @param {number[]} rows */
function costByModel({ table }, rows) {
  /** @type {Map<string, { traces: number, cost: number, isKnown: boolean }>} */
  const models = new Map();
  for (const row of rows) {
    const model = table.value("model", row);
    if (!model) continue;
    const one = models.get(model) ?? { traces: 0, cost: 0, isKnown: false };
    one.traces++;
    if (!Number.isNaN(table.cost[row])) {
      one.cost += table.cost[row];
      one.isKnown = true;
    }
    models.set(model, one);
  }
  const list = [...models]
    .sort((a, b) => b[1].cost - a[1].cost || b[1].traces - a[1].traces)
    .slice(0, MOST_LISTED + 1);
  const most = Math.max(...list.map(([, one]) => one.cost), 1e-12);
  if (!list.length)
    return card(
      "Cost by model",
      "",
      h("p.card-body.muted", null, "No call of a model was recorded."),
    );
  return card(
    "Cost by model",
    "a trace counts for its first model",
    h(
      "div.card-body",
      null,
      list.map(([model, one]) =>
        h(
          "a.measure",
          { href: address("traces", [], { model, sort: "-cost" }) },
          h("span.ellipsis", null, visible(model)),
          h("span.muted.number", null, plural(one.traces, "trace")),
          h(
            "span.number.strong",
            { title: one.isKnown ? "" : "The price is not known" },
            one.isKnown ? cost(one.cost) : UNKNOWN,
          ),
          h("i", { css: { width: `${(one.cost / most) * 100}%` } }),
        ),
      ),
    ),
  );
}

/** @param {Report} report @param {number[]} open */
function unfinished(report, open) {
  if (!open.length) return null;
  return card(
    "Unfinished",
    h("a", { href: address("traces", [], { status: "UNFINISHED" }) }, `all ${count(open.length)}`),
    traceTable(report, open.slice(0, 4)),
    h(
      "p.card-body.muted",
      null,
      "Still running, or their process was killed. What they had recorded stays readable; they do not count in latency.",
    ),
  );
}

/** @param {Report} report */
function runs(report) {
  if (!report.runRows.length) return null;
  const newest = [...report.runRows].sort((a, b) => b.start_ms - a.start_ms).slice(0, 5);
  return card(
    "Newest runs",
    h("a", { href: "#/runs" }, `all ${count(report.runRows.length)}`),
    h(
      "table.short",
      null,
      h(
        "tbody",
        null,
        newest.map((run) =>
          h(
            "tr",
            null,
            h("td.long", null, h("a", { href: address("run", [run.id]) }, visible(run.name))),
            h("td.muted", null, run.status.toLowerCase()),
            h("td.number.faint", null, age(run.start_ms, report.now)),
          ),
        ),
      ),
    ),
  );
}
