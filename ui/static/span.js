// @ts-check
/** What the chosen span says: its facts, conversation, assessments, attributes, events, raw. */

import { copyButton, fact, fill, h, kindIcon, visible } from "./dom.js";
import { count, duration } from "./format.js";
import {
  answersOf,
  callBefore,
  conversationOf,
  historyOf,
  messagesOf,
  modelCalls,
} from "./conversation.js";
import { readContent } from "./data.js";
import {
  assessmentView,
  attributes,
  documents,
  events,
  factsOf,
  failure,
  invalidJson,
  tools,
} from "./details.js";
import { jsonText } from "./json.js";
import { conversationView, finishBanners } from "./message.js";
import { settings } from "./route.js";
import { code, isSource, panel } from "./text.js";
import { pathTo, spansBelow } from "./tree.js";
import { spanLabel } from "./waterfall.js";

/** @typedef {import("./types.js").Span} Span */
/** @typedef {import("./types.js").Content} Content */
/** @typedef {import("./types.js").Trace} Trace */
/** @typedef {import("./tree.js").TreeNode} TreeNode */
/** @typedef {import("./report.js").Report} Report */

const MOST_READ = 400;

export class SpanPanel {
  /**
   * @param {Object} options
   * @param {Report} options.report
   * @param {Trace} options.trace
   * @param {TreeNode[]} options.nodes
   * @param {string} options.tab
   * @param {(span: number) => void} options.goTo
   * @param {(tab: string) => void} options.onTab
   */
  constructor({ report, trace, nodes, tab, goTo, onTab }) {
    this.report = report;
    this.trace = trace;
    this.nodes = nodes;
    this.tab = tab;
    this.goTo = goTo;
    this.onTab = onTab;
    this.element = h("section.span-panel", { "aria-label": "Chosen span" });
    this.body = h("div.span-body", { tabindex: 0, role: "tabpanel", id: "span-body" });
    /** @type {Map<number, Content>} */
    this.contents = new Map();
    this.current = -1;
  }

  /** @param {number} position of a node */
  async show(position) {
    this.current = position;
    const node = this.nodes[position];
    if (node.role !== "span") {
      this.#showGroup(node);
      return;
    }
    const span = this.trace.spans[position];
    await this.#read([position]);
    if (this.current !== position) return;
    fill(this.element, this.#head(span), this.#tabs(position), this.body);
    await this.#showTab(position);
  }

  /** @param {number[]} positions */
  async #read(positions) {
    await Promise.all(
      positions
        .filter((i) => !this.contents.has(i))
        .map(async (i) => {
          this.contents.set(i, (await readContent(this.trace, i)) ?? {});
        }),
    );
  }

  /** @param {TreeNode} node */
  #showGroup(node) {
    const title =
      node.role === "orphans"
        ? "Parent not recorded"
        : `${count(node.children.length)} spans alike`;
    fill(
      this.element,
      h("div.span-head", null, h("h2", null, title)),
      h(
        "div.span-body",
        null,
        h(
          "p.muted",
          null,
          node.role === "orphans"
            ? "The parents of these spans are not in the store: sampled out, lost with their process, or of another program."
            : "Same name and kind. Open the row to see each of them.",
        ),
        node.children
          .slice(0, 200)
          .map((child) =>
            h(
              "button.link.block",
              { type: "button", on: { click: () => this.goTo(child) } },
              `${visible(spanLabel(this.trace.spans[child]))} · ${duration(this.trace.spans[child].duration_ns)}`,
            ),
          ),
      ),
    );
  }

  /** @param {Span} span */
  #head(span) {
    const facts = factsOf(span).map(([label, value, title]) =>
      fact(label, h("span", { title }, visible(value))),
    );
    return h(
      "div.span-head",
      null,
      h(
        "div.line-up",
        null,
        kindIcon(span.kind),
        h("h2.ellipsis", { title: visible(span.name) }, visible(span.name)),
        span.status === "ERROR" ? h("span.badge.is-error", null, "✕ error") : null,
        h("span.grow"),
        h(
          "button.button.small",
          {
            type: "button",
            "aria-pressed": String(isSource()),
            title: "Show texts as typed instead of rendered",
            on: { click: () => this.#toggleSource() },
          },
          "Source",
        ),
        copyButton("Copy JSON", () => jsonText({ ...span, ...this.contents.get(this.current) })),
      ),
      h("div.facts", null, facts),
    );
  }

  #toggleSource() {
    settings.set("source", isSource() ? "no" : "yes");
    this.show(this.current);
  }

  /** @param {number} position */
  #tabs(position) {
    const content = this.contents.get(position) ?? {};
    const assessments = this.#assessments(position).length;
    const events = (content.events?.length ?? 0) + (content.links?.length ?? 0);
    /** @type {[string, string][]} */
    const tabs = [
      ["content", this.#hasConversation(position) ? "Conversation" : "Content"],
      ["assessments", assessments ? `Assessments ${assessments}` : "Assessments"],
      ["attributes", "Attributes"],
      ["events", events ? `Events ${events}` : "Events"],
      ["raw", "Raw"],
    ];
    if (!tabs.some(([key]) => key === this.tab)) this.tab = "content";
    const buttons = tabs.map(([key, label], i) =>
      h(
        "button",
        {
          type: "button",
          role: "tab",
          "aria-selected": String(key === this.tab),
          "aria-controls": "span-body",
          tabindex: key === this.tab ? 0 : -1,
          on: {
            click: () => this.#chooseTab(position, key),
            keydown: (/** @type {KeyboardEvent} */ event) => {
              const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
              if (!step) return;
              event.preventDefault();
              event.stopPropagation();
              this.#chooseTab(position, tabs[(i + step + tabs.length) % tabs.length][0]);
              /** @type {HTMLElement | null} */ (
                this.element.querySelector('[role="tab"][aria-selected="true"]')
              )?.focus();
            },
          },
        },
        label,
      ),
    );
    return h("div.tabs", { role: "tablist", "aria-label": "Views of the span" }, buttons);
  }

  /** @param {number} position @param {string} tab */
  #chooseTab(position, tab) {
    this.tab = tab;
    this.onTab(tab);
    this.element.querySelector(".tabs")?.replaceWith(this.#tabs(position));
    this.#showTab(position);
  }

  /** @param {number} position */
  async #showTab(position) {
    const tab = this.tab;
    const content = this.contents.get(position) ?? {};
    const nodes =
      tab === "content"
        ? await this.#content(position)
        : tab === "assessments"
          ? this.#assessmentList(position)
          : tab === "attributes"
            ? attributes(this.trace.spans[position], content, this.trace, position)
            : tab === "events"
              ? events(content)
              : [code(jsonText({ ...this.trace.spans[position], ...content }))];
    if (this.current !== position || this.tab !== tab) return;
    this.body.setAttribute("aria-label", tab);
    fill(this.body, nodes);
    this.body.scrollTop = 0;
  }

  /** The model calls whose messages tell what a span was about: itself, or those below it. @param {number} position */
  #callsFor(position) {
    const { spans } = this.trace;
    if (spans[position].kind === "model") return [position];
    if (!["agent", "step"].includes(spans[position].kind)) return [];
    const calls = spansBelow(this.nodes, position).filter((i) => spans[i].kind === "model");
    const isAside = (/** @type {number} */ call) =>
      pathTo(this.nodes, call).some(
        (above) =>
          this.nodes[above].depth > this.nodes[position].depth &&
          ["guardrail", "tool"].includes(spans[this.nodes[above].span]?.kind),
      );
    const own = calls.filter((call) => !isAside(call));
    const nearest = Math.min(...own.map((call) => this.nodes[call].depth));
    return own.length ? own.filter((call) => this.nodes[call].depth === nearest) : calls;
  }

  /** @param {number} position */
  #hasConversation(position) {
    const content = this.contents.get(position) ?? {};
    return (
      messagesOf(content.input_messages).length > 0 ||
      messagesOf(content.output_messages).length > 0 ||
      (this.trace.spans[position].kind !== "model" && this.#callsFor(position).length > 0)
    );
  }

  /** @param {number} position @returns {Promise<Node[]>} */
  async #content(position) {
    const { spans } = this.trace;
    const span = spans[position];
    const content = this.contents.get(position) ?? {};
    const limit = Number(content.attributes?.["gen_ai.request.max_tokens"] ?? NaN);
    const nodes = [...failure(span, content), ...finishBanners(span, limit)];
    nodes.push(...(await this.#conversation(position)));
    nodes.push(...(await this.#recovered(position)));
    if (content.input !== undefined) nodes.push(panel("Input", content.input));
    if (span.kind === "retrieval" && Array.isArray(content.output))
      nodes.push(documents(content.output));
    else if (content.output !== undefined) nodes.push(panel("Output", content.output));
    if (content.tools) nodes.push(tools(content.tools));
    if (!nodes.length)
      nodes.push(
        h(
          "p.muted",
          null,
          "Nothing was written in this span: neither messages nor input nor output.",
        ),
      );
    return nodes;
  }

  /** @param {number} position @returns {Promise<Node[]>} */
  async #conversation(position) {
    const { spans } = this.trace;
    const own = this.contents.get(position) ?? {};
    const hasOwn =
      messagesOf(own.input_messages).length + messagesOf(own.output_messages).length > 0;
    const shown = hasOwn ? position : this.#callsFor(position).at(-1);
    if (shown === undefined) return [];
    const near = [
      ...modelCalls(spans)
        .filter((i) => i <= shown)
        .slice(-25),
      ...modelCalls(spans)
        .filter((i) => i > shown)
        .slice(0, 25),
    ];
    await this.#read(
      spans.length <= MOST_READ ? spans.map((_, i) => i) : [...new Set([shown, ...near])],
    );
    const contentOf = (/** @type {number} */ i) => this.contents.get(i);
    const isCall = spans[shown].kind === "model" && shown === position;
    const before = isCall ? callBefore(shown, spans, contentOf) : -1;
    const history = historyOf(shown, spans, contentOf);
    const talk = conversationOf(
      contentOf(shown) ?? {},
      before < 0 ? null : (contentOf(before) ?? null),
      history,
    );
    if (!isCall) talk.fresh = [...talk.before.splice(0), ...talk.fresh];
    const view = conversationView(talk, {
      spans,
      goTo: this.goTo,
      blobs: this.report.blobs,
      answers: answersOf(spans, contentOf),
      promptName:
        spans[shown].prompt &&
        [spans[shown].prompt, spans[shown].prompt_version].filter(Boolean).join("@"),
    });
    if (shown === position) return [...view, ...invalidJson(own, spans[shown])];
    return [
      h(
        "p.note",
        null,
        "As its last model call saw it: ",
        h(
          "button.link",
          { type: "button", on: { click: () => this.goTo(shown) } },
          visible(spans[shown].name),
          " →",
        ),
      ),
      ...view,
    ];
  }

  /** Where failed work was done again. @param {number} position @returns {Promise<Node[]>} */
  async #recovered(position) {
    const { spans } = this.trace;
    if (spans[position].status !== "ERROR") return [];
    const node = this.nodes[position];
    const next = spans.findIndex(
      (span, i) =>
        i > position &&
        this.nodes[i].parent === node.parent &&
        this.nodes[i].tries === node.tries + 1 &&
        span.name === spans[position].name,
    );
    if (next < 0) return [];
    return [
      h(
        "p.note",
        null,
        `Tried again ${duration(spans[next].at_ns - spans[position].at_ns - (spans[position].duration_ns ?? 0))} later, ${spans[next].status === "ERROR" ? "and failed again" : "and it worked"}: `,
        h(
          "button.link",
          { type: "button", on: { click: () => this.goTo(next) } },
          `try ${this.nodes[next].tries} →`,
        ),
      ),
    ];
  }

  /** Those of a span; of the whole trace at its root. @param {number} position */
  #assessments(position) {
    const { id } = this.trace.spans[position];
    const isRoot = this.nodes[position].parent < 0;
    return this.trace.assessments.filter((one) => one.span === id || (isRoot && !one.span));
  }

  /** @param {number} position @returns {Node[]} */
  #assessmentList(position) {
    const found = this.#assessments(position);
    if (!found.length) {
      return [
        h("p.muted", null, "Nobody assessed this span. From code:"),
        h(
          "pre",
          null,
          `tracekit.log_feedback(\n    trace_id="${this.trace.id}",\n    span_id="${this.trace.spans[position].id}",\n    name="helpful", value=True, rationale="…",\n)`,
        ),
      ];
    }
    return found.map(assessmentView);
  }
}
