// @ts-check
/** A short table of some traces, for pages that are about something else. */

import { h, statusIcon, visible } from "./dom.js";
import { age, cost, costDigits, duration } from "./format.js";
import { address } from "./route.js";

/** @typedef {import("./report.js").Report} Report */

/** @param {Report} report @param {ArrayLike<number>} rows */
export function traceTable(report, rows) {
  const { table } = report;
  const digits = costDigits(Array.from(rows, (row) => table.cost[row]));
  return h(
    "table.short",
    null,
    h(
      "tbody",
      null,
      Array.from(rows, (row) =>
        h(
          "tr",
          null,
          h("td", null, statusIcon(table.value("status", row) ?? "OK")),
          h(
            "td.long",
            { dir: "auto" },
            h(
              "a",
              { href: address("trace", [table.id[row]]), title: table.input[row] },
              table.input[row] || visible(table.value("name", row) ?? ""),
            ),
          ),
          h("td.muted", null, visible(table.value("error", row) ?? table.value("name", row) ?? "")),
          h(
            "td.number",
            null,
            Number.isNaN(table.duration[row])
              ? table.gone[row]
                ? "cut short"
                : "running"
              : duration(table.duration[row]),
          ),
          h("td.number", null, cost(table.cost[row], digits)),
          h("td.number.faint", null, age(table.start[row], report.now)),
        ),
      ),
    ),
  );
}
