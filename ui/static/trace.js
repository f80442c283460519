// @ts-check
/** One trace: what it was, what it waited for, its spans, and what the chosen one says. */

import { copyButton, fact, fill, h, segments, statusIcon, visible } from "./dom.js";
import {
  UNKNOWN,
  cost,
  count,
  duration,
  metric,
  moment,
  percent,
  plural,
  tokens,
} from "./format.js";
import { criticalPath, lastMoment, waitedFor } from "./critical.js";
import { readContent, readTrace } from "./data.js";
import { emptyPage } from "./empty.js";
import { jsonText } from "./json.js";
import { address, replaceAddress, settings } from "./route.js";
import { SpanPanel } from "./span.js";
import { buildTree, firstFailure } from "./tree.js";
import { Waterfall, legend } from "./waterfall.js";

/** @typedef {import("./types.js").Trace} Trace */
/** @typedef {import("./report.js").Report} Report */
/** @typedef {import("./report.js").Page} Page */
/** @typedef {import("./route.js").Route} Route */
/** @typedef {import("./waterfall.js").Width} Width */

/** @type {[Width, string][]} */
const WIDTHS = [
  ["time", "Time"],
  ["tokens", "Tokens"],
  ["cost", "Cost"],
];

/** @param {Report} report @param {Route} route @returns {Promise<Page>} */
export async function tracePage(report, route) {
  const [id, spanId] = route.ids;
  const row = report.table.positions.get(id ?? "");
  const trace = row === undefined ? undefined : await readTrace(id, report.table.block[row]);
  if (!trace || row === undefined) {
    const element = emptyPage("This trace is not in this file", [
      `No trace has the id ${visible(id ?? "")}.`,
      "A report holds the newest traces that its filter admits; the store may hold more.",
    ]);
    return { title: "Trace", above: [["Traces", report.listAddress]], element };
  }
  const view = new TraceView(report, trace, row, route, spanId);
  return {
    title: report.table.input[row] || report.table.value("name", row) || "Trace",
    above: [["Traces", report.listAddress]],
    hasHeading: true,
    crumb: id.slice(0, 8),
    element: view.element,
    shown: () => view.shown(),
    keys: view.keys,
  };
}

class TraceView {
  /** @param {Report} report @param {Trace} trace @param {number} row @param {Route} route @param {string | undefined} spanId */
  constructor(report, trace, row, route, spanId) {
    this.report = report;
    this.trace = trace;
    this.row = row;
    const { spans } = trace;
    const tree = buildTree(spans);
    const path = criticalPath(tree.nodes, spans);
    this.nodes = tree.nodes;
    this.waited = waitedFor(path, spans);
    const wanted = spanId ? spans.findIndex((span) => span.id === spanId) : -1;
    const selected = wanted >= 0 ? wanted : this.#whereToBegin(tree.roots);
    const width = /** @type {Width} */ (
      WIDTHS.find(([key]) => key === route.state.get("w"))?.[0] ?? "time"
    );
    this.selected = selected;
    this.panel = new SpanPanel({
      report,
      trace,
      nodes: tree.nodes,
      tab: route.state.get("tab") ?? "content",
      goTo: (span) => this.waterfall.select(span),
      onTab: () => this.#keepAddress(),
    });
    this.waterfall = new Waterfall({
      spans,
      tree,
      path,
      end: lastMoment(spans),
      selected,
      width,
      onSelect: (position) => this.#show(position),
    });
    this.widths = h("div");
    this.element = h("div.trace", null, this.#head(), this.#split());
    this.#drawWidths();
    this.keys = this.#makeKeys();
  }

  shown() {
    this.waterfall.shown();
    this.panel.show(this.selected);
    this.waterfall.host.focus({ preventScroll: true });
    this.report.places.set("trace", this.trace.id);
  }

  /** The span that a reader most likely came for. @param {number[]} roots */
  #whereToBegin(roots) {
    const { spans, assessments, status } = this.trace;
    if (status === "ERROR") {
      const failed = firstFailure(this.nodes, spans);
      if (failed >= 0) return failed;
    }
    const worst = assessments
      .filter((one) => one.span && one.score !== null && one.score < 0.5)
      .sort((a, b) => Number(a.score) - Number(b.score))[0];
    const scored = worst ? spans.findIndex((span) => span.id === worst.span) : -1;
    if (scored >= 0) return scored;
    return Math.max(0, roots.find((root) => this.nodes[root].role === "span") ?? 0);
  }

  /** @param {number} position */
  #show(position) {
    this.selected = position;
    this.panel.show(position);
    this.#keepAddress();
  }

  #keepAddress() {
    const span = this.trace.spans[this.selected]?.id;
    replaceAddress(
      address("trace", span ? [this.trace.id, span] : [this.trace.id], {
        w: this.waterfall.width === "time" ? null : this.waterfall.width,
        tab: this.panel.tab === "content" ? null : this.panel.tab,
      }),
    );
  }

  #head() {
    const { report, row } = this;
    const { table } = report;
    const title = table.input[row] || table.value("name", row) || this.trace.id;
    const icon = statusIcon(this.trace.status);
    return h(
      "div.trace-head",
      null,
      h(
        "div.line-up",
        null,
        icon,
        h("h1.ellipsis", { dir: "auto", title: visible(title) }, visible(title)),
        h("span.grow"),
        this.#stepButton("Previous", "[", -1),
        this.#stepButton("Next", "]", 1),
        copyButton("Copy link", () => location.href),
        copyButton("Copy JSON", () => this.#json()),
      ),
      h(
        "div.facts",
        null,
        this.#facts().map(([name, ...value]) => fact(name, ...value)),
      ),
      this.#waitedBar(),
    );
  }

  /** @param {string} label @param {string} key @param {number} step */
  #stepButton(label, key, step) {
    return h(
      "button.button.small.wide",
      {
        type: "button",
        disabled: this.#neighbour(step) === null,
        on: { click: () => this.#go(step) },
      },
      label,
      " ",
      h("kbd", null, key),
    );
  }

  /** @param {number} step @returns {string | null} */
  #neighbour(step) {
    const { inOrder, table } = this.report;
    const at = inOrder.indexOf(this.row);
    const next = at < 0 ? undefined : inOrder[at + step];
    return next === undefined ? null : table.id[next];
  }

  /** @param {number} step */
  #go(step) {
    const id = this.#neighbour(step);
    if (id)
      location.hash = address("trace", [id], {
        w: this.waterfall.width === "time" ? null : this.waterfall.width,
      });
  }

  /** @returns {[string, ...any[]][]} */
  #facts() {
    const {
      report: { table, runs },
      row,
      trace,
    } = this;
    const filterLink = (/** @type {string} */ key, /** @type {string} */ value, text = value) =>
      h("a", { href: address("traces", [], { [key]: value }) }, visible(text));
    const [session, user, run] = ["session", "user", "run"].map((facet) => table.value(facet, row));
    const { models, tools, own } = this.waited;
    const all = models + tools + own || 1;
    /** @type {([string, ...any[]] | false | "" | null | undefined)[]} */
    const facts = [
      ["", h("span.muted", null, visible(table.value("name", row) ?? ""))],
      [
        "took",
        Number.isNaN(table.duration[row])
          ? table.gone[row]
            ? "cut short"
            : "running"
          : duration(table.duration[row]),
      ],
      [
        "waited for",
        `${percent(models / all)} models · ${percent(tools / all)} tools · ${percent(own / all)} own code`,
      ],
      !Number.isNaN(table.tokens[row]) && [
        "tokens",
        h(
          "span",
          {
            title: `${count(table.inputTokens[row] || 0)} in, ${count(table.outputTokens[row] || 0)} out`,
          },
          `${tokens(table.inputTokens[row])} in · ${tokens(table.outputTokens[row])} out`,
        ),
      ],
      [
        "cost",
        h(
          "span",
          {
            title: Number.isNaN(table.cost[row]) ? "The price is not known" : `$${table.cost[row]}`,
          },
          Number.isNaN(table.cost[row]) ? UNKNOWN : cost(table.cost[row]),
        ),
      ],
      table.errors[row] > 0 && [
        "failed",
        `${count(table.errors[row])} of ${plural(table.spans[row], "span")}`,
      ],
      session && ["session", filterLink("session", session)],
      user && ["user", filterLink("user", user)],
      run && ["run", h("a", { href: address("run", [run]) }, visible(runs.get(run)?.name ?? run))],
      ["started", moment(trace.start_ms)],
      ...Object.entries(trace.tags).map(
        ([key, value]) =>
          /** @type {[string, any]} */ ([key, filterLink("tag", `${key}: ${value}`, value)]),
      ),
      ...trace.assessments
        .filter((one) => one.kind === "feedback" && typeof one.value !== "object")
        .slice(0, 6)
        .map(
          (one) =>
            /** @type {[string, any]} */ ([
              one.name,
              h(
                `span.badge${one.score !== null && one.score < 0.5 ? ".is-error" : ""}`,
                null,
                typeof one.value === "number" ? metric(one.value) : visible(one.value),
              ),
            ]),
        ),
    ];
    return /** @type {[string, ...any[]][]} */ (facts.filter(Boolean));
  }

  #waitedBar() {
    const { models, tools, own } = this.waited;
    const all = models + tools + own;
    if (!all) return null;
    const part = (/** @type {string} */ kind, /** @type {number} */ ns) =>
      h(`i.kind-${kind}`, { css: { "flex-grow": ns / all } });
    return h(
      "div.waited",
      {
        role: "img",
        "aria-label": `Waited for models ${duration(models)}, tools ${duration(tools)}, own code ${duration(own)}`,
      },
      part("model", models),
      part("tool", tools),
      part("step", own),
    );
  }

  async #json() {
    const { contents, parts, ...head } = this.trace;
    const all = await Promise.all(this.trace.spans.map((_, i) => readContent(this.trace, i)));
    return jsonText({
      ...head,
      spans: this.trace.spans.map((span, i) => ({ ...span, ...all[i] })),
    });
  }

  #split() {
    const tree = h(
      "section.timeline",
      { "aria-label": "Timeline" },
      h(
        "div.timeline-bar",
        null,
        h("h2", null, "Timeline"),
        this.widths,
        h("span.grow"),
        legend(),
        h(
          "button.button.small.wide",
          { type: "button", on: { click: () => this.waterfall.toggleZoom() } },
          "Zoom ",
          h("kbd", null, "z"),
        ),
        this.trace.spans.some((span) => span.status === "ERROR")
          ? h(
              "button.button.small",
              { type: "button", on: { click: () => this.waterfall.nextError() } },
              "Next error ",
              h("kbd", null, "e"),
            )
          : null,
      ),
      this.waterfall.ruler,
      this.waterfall.host,
    );
    const divider = h("div.divider", {
      role: "separator",
      "aria-orientation": "vertical",
      "aria-label": "Width of the timeline",
      tabindex: 0,
      "aria-valuemin": 25,
      "aria-valuemax": 75,
    });
    const split = h("div.split", null, tree, divider, this.panel.element);
    makeDivider(split, divider);
    return split;
  }

  #drawWidths() {
    fill(
      this.widths,
      segments("Width of the bars", WIDTHS, this.waterfall.width, (width) =>
        this.#setWidth(/** @type {Width} */ (width)),
      ),
    );
  }

  /** @param {Width} width */
  #setWidth(width) {
    this.waterfall.setWidth(width);
    this.#drawWidths();
    this.#keepAddress();
  }

  /** @returns {Record<string, () => void>} */
  #makeKeys() {
    const { waterfall } = this;
    const next = () =>
      WIDTHS[(WIDTHS.findIndex(([key]) => key === waterfall.width) + 1) % WIDTHS.length][0];
    return {
      j: () => waterfall.move(1),
      k: () => waterfall.move(-1),
      ArrowDown: () => waterfall.move(1),
      ArrowUp: () => waterfall.move(-1),
      ArrowRight: () => waterfall.inward(),
      ArrowLeft: () => waterfall.outward(),
      e: () => waterfall.nextError(),
      z: () => waterfall.toggleZoom(),
      w: () => this.#setWidth(next()),
      E: () => waterfall.openAllBelow(),
      "[": () => this.#go(-1),
      "]": () => this.#go(1),
      y: () => void this.#json().then((text) => navigator.clipboard?.writeText(text)),
      Escape: () => (location.hash = this.report.listAddress),
    };
  }
}

/** @param {HTMLElement} split @param {HTMLElement} divider */
function makeDivider(split, divider) {
  const set = (/** @type {number} */ share) => {
    const kept = Math.round(Math.min(75, Math.max(25, share)));
    split.style.setProperty("--share", `${kept}%`);
    divider.setAttribute("aria-valuenow", String(kept));
    settings.set("split", String(kept));
  };
  set(Number(settings.get("split")) || 52);
  divider.addEventListener("pointerdown", (event) => {
    divider.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  divider.addEventListener("pointermove", (event) => {
    if (!divider.hasPointerCapture(event.pointerId)) return;
    const box = split.getBoundingClientRect();
    set(((event.clientX - box.left) / box.width) * 100);
  });
  divider.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -2, ArrowRight: 2 }[event.key];
    if (!step) return;
    event.stopPropagation();
    event.preventDefault();
    set(Number(divider.getAttribute("aria-valuenow")) + step);
  });
}
