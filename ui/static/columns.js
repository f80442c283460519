// @ts-check
/** The columns of the list of traces: their cells keep their nodes and change what they say. */

import { h, statusIcon, visible } from "./dom.js";
import { UNKNOWN, age, cost, count, duration, metric, moment, tokens } from "./format.js";

/** @typedef {import("./report.js").Report} Report */
/**
 * @typedef {Object} Listed What the cells need to know of the list.
 * @property {import("./table.js").TraceTable} table
 * @property {number} digits of all costs
 * @property {number} longest nanoseconds that fill the bar
 * @property {number} slow nanoseconds from which on a trace stands out
 */
/** @typedef {{ element: HTMLElement, show: (list: Listed, row: number) => void }} Cell */
/** @typedef {{ label: string, width: string, sort?: string, class?: string, make: () => Cell }} Column */

/** The columns that have something to show. @param {Report} report @returns {Column[]} */
export function columnsOf(report) {
  const { table } = report;
  const has = (/** @type {string} */ facet) => table.texts[facet].dict.length > 1;
  /** @type {(Column | false)[]} */
  const columns = [
    { label: "", width: "14px", make: statusCell },
    {
      label: "Name",
      width: "minmax(100px, 1.3fr)",
      sort: "name",
      make: () => textCell("muted", (l, r) => l.table.value("name", r) ?? ""),
    },
    { label: "Input", width: "minmax(120px, 3.2fr)", make: inputCell },
    has("model") && {
      label: "Model",
      width: "minmax(84px, 0.9fr)",
      class: "wide",
      make: () => textCell("muted wide", (l, r) => l.table.value("model", r) ?? UNKNOWN),
    },
    { label: "Took", width: "var(--took)", sort: "dur", class: "number", make: tookCell },
    {
      label: "Tokens",
      width: "64px",
      sort: "tokens",
      class: "number wide",
      make: () => textCell("number wide", (l, r) => tokens(l.table.tokens[r]), tokensTitle),
    },
    {
      label: "Cost",
      width: "70px",
      sort: "cost",
      class: "number wide",
      make: () => textCell("number wide", (l, r) => cost(l.table.cost[r], l.digits), costTitle),
    },
    table.score.some((value) => !Number.isNaN(value)) && {
      label: "Score",
      width: "52px",
      sort: "score",
      class: "number wide",
      make: () =>
        textCell("number wide", (l, r) =>
          Number.isNaN(l.table.score[r]) ? UNKNOWN : metric(l.table.score[r]),
        ),
    },
    (has("session") || has("user")) && {
      label: "Session",
      width: "minmax(64px, 0.6fr)",
      class: "wider",
      make: () => textCell("muted wider", sessionText, whoText),
    },
    table.tagNames.length > 1 && {
      label: "Tags",
      width: "minmax(90px, 0.9fr)",
      class: "widest",
      make: () => textCell("muted widest", tagText, tagText),
    },
    {
      label: "Age",
      width: "56px",
      sort: "start",
      class: "number",
      make: () =>
        textCell(
          "number muted",
          (l, r) => age(l.table.start[r], report.now),
          (l, r) => moment(l.table.start[r]),
        ),
    },
  ];
  return columns.filter((column) => column !== false);
}

/** @param {string} classes @param {(list: Listed, row: number) => string} read @param {(list: Listed, row: number) => string} [title] @returns {Cell} */
function textCell(classes, read, title) {
  const element = h("span", { class: `ellipsis ${classes}` });
  return {
    element,
    show(list, row) {
      element.textContent = visible(read(list, row));
      if (title) element.title = visible(title(list, row));
    },
  };
}

/** @returns {Cell} */
function statusCell() {
  const element = h("span.cell-status");
  let known = "";
  return {
    element,
    show(list, row) {
      const status = list.table.value("status", row) ?? "OK";
      const key = status + list.table.gone[row];
      if (key === known) return;
      known = key;
      const icon = statusIcon(status);
      if (list.table.gone[row]) icon.classList.add("is-gone");
      element.replaceChildren(icon);
    },
  };
}

/** @returns {Cell} */
function inputCell() {
  const badge = h("span.badge.is-error");
  const text = h("span.ellipsis", { dir: "auto" });
  return {
    element: h("span.cell-input", null, badge, text),
    show(list, row) {
      const error = list.table.value("error", row);
      const isFailed = list.table.value("status", row) === "ERROR";
      badge.hidden = !isFailed;
      badge.textContent = isFailed ? visible(lastName(error ?? "error")) : "";
      badge.title = error ?? "";
      text.textContent = list.table.input[row];
      text.title = list.table.input[row];
    },
  };
}

/** `openai.RateLimitError` as people call it. @param {string} type */
export const lastName = (type) => type.split(".").at(-1) || type;

/** @returns {Cell} */
function tookCell() {
  const bar = h("i");
  const text = h("span.number");
  const element = h("span.cell-took", null, h("span.track", null, bar), text);
  return {
    element,
    show(list, row) {
      const took = list.table.duration[row];
      const isRunning = Number.isNaN(took);
      text.textContent = isRunning
        ? list.table.gone[row]
          ? "cut short"
          : "running"
        : duration(took);
      bar.style.setProperty(
        "width",
        isRunning ? "0" : `${Math.min(100, (took / list.longest) * 100)}%`,
      );
      element.classList.toggle("is-slow", took >= list.slow);
    },
  };
}

/** @param {Listed} list @param {number} row */
function tokensTitle({ table }, row) {
  const [input, output] = [table.inputTokens[row], table.outputTokens[row]];
  return Number.isNaN(table.tokens[row])
    ? "No usage was reported"
    : `${count(input || 0)} in, ${count(output || 0)} out`;
}

/** @param {Listed} list @param {number} row */
function costTitle({ table }, row) {
  return Number.isNaN(table.cost[row]) ? "The price is not known" : `$${table.cost[row]}`;
}

/** @param {Listed} list @param {number} row */
function sessionText({ table }, row) {
  return table.value("session", row) ?? table.value("user", row) ?? "";
}

/** @param {Listed} list @param {number} row */
function whoText({ table }, row) {
  return [table.value("session", row), table.value("user", row)].filter(Boolean).join(" · ");
}

/** @param {Listed} list @param {number} row */
function tagText({ table }, row) {
  return table.tagIds[row].map((id) => table.tagNames[id]).join(", ");
}
