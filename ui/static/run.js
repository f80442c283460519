// @ts-check
/** One run: its curves, metrics, params, tags, files, where it came from, its traces. */

import { append, card, copyButton, fact, h, statusIcon, visible } from "./dom.js";
import { UNKNOWN, bytes, count, duration, metric, moment, plural } from "./format.js";
import { lineChart } from "./charts.js";
import { readRun } from "./data.js";
import { emptyPage } from "./empty.js";
import { jsonText, jsonTree } from "./json.js";
import { address } from "./route.js";
import { traceTable } from "./short.js";

/** @typedef {import("./types.js").RunRow} RunRow */
/** @typedef {import("./types.js").RunView} RunView */
/** @typedef {import("./types.js").Curve} Curve */
/** @typedef {import("./report.js").Report} Report */
/** @typedef {import("./report.js").Page} Page */
/** @typedef {import("./route.js").Route} Route */

/** @param {Report} report @param {Route} route @returns {Promise<Page>} */
export async function runPage(report, route) {
  const run = report.runs.get(route.ids[0] ?? "");
  const view = run && (await readRun(run.id, run.chunk));
  /** @type {[string, string][]} */
  const above = [["Runs", "#/runs"]];
  if (!run || !view) {
    return {
      title: "Run",
      above,
      element: emptyPage("This run is not in this file", [
        `No run has the id ${visible(route.ids[0] ?? "")}.`,
      ]),
    };
  }
  return { title: run.name, above, hasHeading: true, element: runElement(report, run, view) };
}

/** @param {Report} report @param {RunRow} run @param {RunView} view */
function runElement(report, run, view) {
  const page = h(
    "div.page",
    null,
    h(
      "div.line-up",
      null,
      statusIcon(run.status),
      h("h1", null, visible(run.name)),
      h("span.grow"),
      copyButton("Copy JSON", () => jsonText({ ...run, ...view })),
    ),
    h(
      "div.facts",
      null,
      runFacts(report, run).map(([name, value]) => fact(name, value)),
    ),
  );
  const curves = Object.entries(view.curves).filter(([, curve]) => new Set(curve.steps).size > 1);
  if (curves.length)
    page.append(
      h(
        "div.grid.two",
        null,
        curves.map(([key, curve]) => curveCard(key, curve)),
      ),
    );
  append(page, [
    h(
      "div.grid.two",
      null,
      pairsCard(
        "Metrics",
        Object.entries(run.metrics).map(([key, value]) => [key, metric(value)]),
        "last values",
        view,
      ),
      pairsCard("Params", Object.entries(run.params)),
      pairsCard("Tags", Object.entries(run.tags)),
      artifactsCard(view),
      sourceCard(view),
    ),
    tracesCard(report, run),
    childrenCard(report, run),
  ]);
  return page;
}

/** @param {Report} report @param {RunRow} run @returns {[string, Node | string][]} */
function runFacts(report, run) {
  const parent = run.parent ? report.runs.get(run.parent) : undefined;
  /** @type {([string, Node | string] | null)[]} */
  const facts = [
    ["", run.status.toLowerCase()],
    ["experiment", visible(run.experiment)],
    ["started", moment(run.start_ms)],
    ["took", run.end_ms === null ? UNKNOWN : duration((run.end_ms - run.start_ms) * 1e6)],
    run.user ? ["user", visible(run.user)] : null,
    parent
      ? ["part of", h("a", { href: address("run", [parent.id]) }, visible(parent.name))]
      : null,
    ["id", h("span.mono", null, visible(run.id))],
  ];
  return facts.filter((fact) => fact !== null);
}

/** @param {string} key @param {Curve} curve */
function curveCard(key, curve) {
  const values = curve.values.map(Number);
  const points = curve.steps.map((step, i) => /** @type {[number, number]} */ ([step, values[i]]));
  const lost = values.filter((value) => !Number.isFinite(value)).length;
  const aside = `${plural(curve.points, "value")}${lost ? ` · ${count(lost)} not finite, not drawn` : ""}`;
  const label = `${key}: from ${metric(curve.values[0])} at step ${curve.steps[0]} to ${metric(curve.values.at(-1))} at step ${curve.steps.at(-1)}`;
  const table = h("details", null, h("summary.muted", null, "by step · as table"));
  table.addEventListener(
    "toggle",
    () =>
      table.append(
        h(
          "div.scroll.short",
          { tabindex: 0, role: "region", "aria-label": `Values of ${key}` },
          h(
            "table",
            null,
            h(
              "thead",
              null,
              h("tr", null, h("th.number", null, "Step"), h("th.number", null, "Value")),
            ),
            h(
              "tbody",
              null,
              curve.steps.map((step, i) =>
                h(
                  "tr",
                  null,
                  h("td.number", null, count(step)),
                  h("td.number", null, metric(curve.values[i])),
                ),
              ),
            ),
          ),
        ),
      ),
    { once: true },
  );
  return card(
    visible(key),
    aside,
    h(
      "div.card-body",
      null,
      lineChart({
        label,
        lines: [{ name: "", points, className: "series-1" }],
        x: metric,
        y: metric,
        round: true,
        width: 560,
        height: 190,
      }),
      table,
    ),
  );
}

/** @param {string} title @param {[string, string][]} pairs @param {string} [aside] @param {RunView} [view] */
function pairsCard(title, pairs, aside, view) {
  if (!pairs.length) return null;
  return card(
    title,
    aside ?? String(pairs.length),
    h(
      "div.card-body",
      null,
      h(
        "table.pairs",
        null,
        h(
          "tbody",
          null,
          pairs
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([key, value]) =>
              h(
                "tr",
                null,
                h("th", { scope: "row" }, visible(key)),
                h("td", { dir: "auto" }, visible(value)),
                view ? h("td.faint.number", null, range(view.curves[key])) : null,
              ),
            ),
        ),
      ),
    ),
  );
}

/** @param {Curve | undefined} curve */
function range(curve) {
  const values = (curve?.values ?? []).map(Number).filter(Number.isFinite);
  if (values.length < 2) return "";
  return `${metric(Math.min(...values))} to ${metric(Math.max(...values))}`;
}

/** @param {RunView} view */
function artifactsCard(view) {
  if (!view.artifacts.length) return null;
  return card(
    "Artifacts",
    plural(view.artifacts.length, "file"),
    h(
      "div.card-body",
      null,
      h(
        "table",
        null,
        h(
          "tbody",
          null,
          view.artifacts.map((file) =>
            h(
              "tr",
              null,
              h("td.mono", null, visible(file.path) + (file.is_dir ? "/" : "")),
              h("td.faint", null, visible(file.type ?? "")),
              h("td.number", null, bytes(file.bytes)),
            ),
          ),
        ),
      ),
    ),
  );
}

/** @param {RunView} view */
function sourceCard(view) {
  if (!view.source || typeof view.source !== "object" || !Object.keys(view.source).length)
    return null;
  return card("Where it came from", "", h("div.card-body", null, jsonTree(view.source)));
}

/** @param {Report} report @param {RunRow} run */
function tracesCard(report, run) {
  const { rows } = report.table.find({ run: [run.id] });
  if (!rows.length) return null;
  return card(
    "Traces",
    h("a", { href: address("traces", [], { run: run.id }) }, `all ${count(rows.length)}`),
    traceTable(report, rows.subarray(0, 10)),
  );
}

/** @param {Report} report @param {RunRow} run */
function childrenCard(report, run) {
  const children = report.runRows.filter((other) => other.parent === run.id);
  if (!children.length) return null;
  return card(
    "Runs within",
    String(children.length),
    h(
      "div.card-body",
      null,
      children.map((child) =>
        h(
          "p.line-up",
          null,
          statusIcon(child.status),
          h("a", { href: address("run", [child.id]) }, visible(child.name)),
        ),
      ),
    ),
  );
}
