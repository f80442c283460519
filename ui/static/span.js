// @ts-check
/** What the chosen span says: its facts, conversation, assessments, attributes, events, raw. */

import { KIND_NAMES, append, copyButton, fact, fill, h, kindIcon, visible } from "./dom.js";
import { cost, count, duration, metric, moment, percent, plural, tokens } from "./format.js";
import { answersOf, callBefore, conversationOf, messagesOf, modelCalls } from "./conversation.js";
import { readContent } from "./data.js";
import { jsonText, jsonTree } from "./json.js";
import { banner, conversationView, finishBanners } from "./message.js";
import { settings } from "./route.js";
import { code, isSource, panel, valueView } from "./text.js";
import { pathTo, spansBelow } from "./tree.js";
import { spanLabel } from "./waterfall.js";

/** @typedef {import("./types.js").Span} Span */
/** @typedef {import("./types.js").Content} Content */
/** @typedef {import("./types.js").Trace} Trace */
/** @typedef {import("./types.js").Assessment} Assessment */
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
    await Promise.all(positions.filter((i) => !this.contents.has(i)).map(async (i) => {
      this.contents.set(i, (await readContent(this.trace, i)) ?? {});
    }));
  }

  /** @param {TreeNode} node */
  #showGroup(node) {
    const title = node.role === "orphans" ? "Parent not recorded" : `${count(node.children.length)} spans alike`;
    fill(this.element, h("div.span-head", null, h("h2", null, title)), h("div.span-body", null,
      h("p.muted", null, node.role === "orphans"
        ? "The parents of these spans are not in the store: sampled out, lost with their process, or of another program."
        : "Same name and kind. Open the row to see each of them."),
      node.children.slice(0, 200).map((child) => h("button.link.block", { type: "button", on: { click: () => this.goTo(child) } },
        `${visible(spanLabel(this.trace.spans[child]))} · ${duration(this.trace.spans[child].duration_ns)}`))));
  }

  /** @param {Span} span */
  #head(span) {
    const facts = factsOf(span).map(([label, value, title]) => fact(label, h("span", { title }, visible(value))));
    return h("div.span-head", null,
      h("div.line-up", null, kindIcon(span.kind), h("h2.ellipsis", { title: visible(span.name) }, visible(span.name)),
        span.status === "ERROR" ? h("span.badge.is-error", null, "✕ error") : null,
        h("span.grow"),
        h("button.button.small", { type: "button", "aria-pressed": String(isSource()), title: "Show texts as typed instead of rendered", on: { click: () => this.#toggleSource() } }, "Source"),
        copyButton("Copy JSON", () => jsonText({ ...span, ...this.contents.get(this.current) }))),
      h("div.facts", null, facts));
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
      h("button", {
        type: "button", role: "tab", "aria-selected": String(key === this.tab), "aria-controls": "span-body",
        tabindex: key === this.tab ? 0 : -1,
        on: {
          click: () => this.#chooseTab(position, key),
          keydown: (/** @type {KeyboardEvent} */ event) => {
            const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
            if (!step) return;
            event.preventDefault();
            event.stopPropagation();
            this.#chooseTab(position, tabs[(i + step + tabs.length) % tabs.length][0]);
            /** @type {HTMLElement | null} */ (this.element.querySelector('[role="tab"][aria-selected="true"]'))?.focus();
          },
        },
      }, label));
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
    const nodes = tab === "content" ? await this.#content(position)
      : tab === "assessments" ? this.#assessmentList(position)
      : tab === "attributes" ? attributes(this.trace.spans[position], content, this.trace, position)
      : tab === "events" ? events(content)
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
    const isAside = (/** @type {number} */ call) => pathTo(this.nodes, call).some((above) =>
      this.nodes[above].depth > this.nodes[position].depth && ["guardrail", "tool"].includes(spans[this.nodes[above].span]?.kind));
    const own = calls.filter((call) => !isAside(call));
    const nearest = Math.min(...own.map((call) => this.nodes[call].depth));
    return own.length ? own.filter((call) => this.nodes[call].depth === nearest) : calls;
  }

  /** @param {number} position */
  #hasConversation(position) {
    const content = this.contents.get(position) ?? {};
    return messagesOf(content.input_messages).length > 0 || messagesOf(content.output_messages).length > 0
      || (this.trace.spans[position].kind !== "model" && this.#callsFor(position).length > 0);
  }

  /** @param {number} position @returns {Promise<Node[]>} */
  async #content(position) {
    const { spans } = this.trace;
    const span = spans[position];
    const content = this.contents.get(position) ?? {};
    const limit = Number(content.attributes?.["gen_ai.request.max_tokens"] ?? NaN);
    const nodes = [...failure(span, content), ...finishBanners(span, limit)];
    nodes.push(...await this.#conversation(position));
    nodes.push(...await this.#recovered(position));
    if (content.input !== undefined) nodes.push(panel("Input", content.input));
    if (span.kind === "retrieval" && Array.isArray(content.output)) nodes.push(documents(content.output));
    else if (content.output !== undefined) nodes.push(panel("Output", content.output));
    if (content.tools) nodes.push(tools(content.tools));
    if (!nodes.length) nodes.push(h("p.muted", null, "Nothing was written in this span: neither messages nor input nor output."));
    return nodes;
  }

  /** @param {number} position @returns {Promise<Node[]>} */
  async #conversation(position) {
    const { spans } = this.trace;
    const own = this.contents.get(position) ?? {};
    const hasOwn = messagesOf(own.input_messages).length + messagesOf(own.output_messages).length > 0;
    const shown = hasOwn ? position : this.#callsFor(position).at(-1);
    if (shown === undefined) return [];
    const near = [...modelCalls(spans).filter((i) => i <= shown).slice(-25), ...modelCalls(spans).filter((i) => i > shown).slice(0, 25)];
    await this.#read(spans.length <= MOST_READ ? spans.map((_, i) => i) : [...new Set([shown, ...near])]);
    const contentOf = (/** @type {number} */ i) => this.contents.get(i);
    const isCall = spans[shown].kind === "model" && shown === position;
    const before = isCall ? callBefore(shown, spans, contentOf) : -1;
    const talk = conversationOf(contentOf(shown) ?? {}, before < 0 ? null : contentOf(before) ?? null);
    const view = conversationView(talk, {
      spans, goTo: this.goTo, blobs: this.report.blobs, answers: answersOf(spans, contentOf),
      promptName: spans[shown].prompt && [spans[shown].prompt, spans[shown].prompt_version].filter(Boolean).join("@"),
    });
    if (shown === position) return [...view, ...invalidJson(own, spans[shown])];
    return [h("p.note", null, "As its last model call saw it: ",
      h("button.link", { type: "button", on: { click: () => this.goTo(shown) } }, visible(spans[shown].name), " →")), ...view];
  }

  /** Where failed work was done again. @param {number} position @returns {Promise<Node[]>} */
  async #recovered(position) {
    const { spans } = this.trace;
    if (spans[position].status !== "ERROR") return [];
    const node = this.nodes[position];
    const next = spans.findIndex((span, i) => i > position && this.nodes[i].parent === node.parent && this.nodes[i].tries === node.tries + 1 && span.name === spans[position].name);
    if (next < 0) return [];
    return [h("p.note", null, `Tried again ${duration(spans[next].at_ns - spans[position].at_ns - (spans[position].duration_ns ?? 0))} later, ${spans[next].status === "ERROR" ? "and failed again" : "and it worked"}: `,
      h("button.link", { type: "button", on: { click: () => this.goTo(next) } }, `try ${this.nodes[next].tries} →`))];
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
      return [h("p.muted", null, "Nobody assessed this span. From code:"),
        h("pre", null, `tracekit.log_feedback(\n    trace_id="${this.trace.id}",\n    span_id="${this.trace.spans[position].id}",\n    name="helpful", value=True, rationale="…",\n)`)];
    }
    return found.map(assessmentView);
  }
}

/** @param {Assessment} one */
export function assessmentView(one) {
  const value = one.error ? "failed" : typeof one.value === "object" ? null : String(one.value);
  const look = one.error ? ".is-error" : one.score === null ? "" : one.score < 0.5 ? ".is-error" : one.score < 0.8 ? ".is-warning" : "";
  const source = { HUMAN: "person", LLM_JUDGE: "judge", CODE: "code" }[one.source] ?? one.source;
  return h("article.assessment", null,
    h("div", null, h("div.strong", null, visible(one.name)), h("div.faint", null, `${one.kind === "expectation" ? "expected · " : ""}${source}${one.source_id ? ` ${visible(one.source_id)}` : ""}`)),
    h("div", null, h(`span.badge${look}`, null, value === null ? "value" : typeof one.value === "number" ? metric(one.value) : visible(value))),
    h("div", { title: moment(one.at_ms) }, one.error ? h("p.is-error-text", null, visible(one.error)) : null,
      value === null ? jsonTree(one.value) : null, one.rationale ? valueView(one.rationale) : h("span.faint", null, "no reason given")));
}

/** @param {Span} span @returns {[string, string, string?][]} */
function factsOf(span) {
  /** @type {([string, string, string?] | false)[]} */
  const facts = [
    ["", KIND_NAMES[span.kind]],
    ["took", span.duration_ns === null ? "unfinished" : duration(span.duration_ns)],
    span.first_token_ns !== undefined && ["first token", duration(span.first_token_ns)],
    span.input_tokens !== undefined && ["in", tokens(span.input_tokens) + (span.cache_read_tokens ? ` (${percent(span.cache_read_tokens / span.input_tokens)} cached)` : ""), `${count(span.input_tokens)} tokens`],
    span.output_tokens !== undefined && ["out", tokens(span.output_tokens) + (span.reasoning_tokens ? ` (${tokens(span.reasoning_tokens)} reasoning)` : ""), `${count(span.output_tokens)} tokens`],
    (span.kind === "model" || span.cost_usd !== undefined) && ["cost", cost(span.cost_usd), span.cost_usd === undefined ? "The price of this model is not known" : `$${span.cost_usd}${span.cost_source ? `, ${span.cost_source}` : ""}`],
    speed(span),
    span.model !== undefined && ["model", span.response_model && span.response_model !== span.model ? `${span.model} → ${span.response_model}` : span.model],
    span.provider !== undefined && ["provider", span.provider],
    span.finish !== undefined && ["finish", span.finish.join(", ")],
  ];
  return facts.filter((fact) => fact !== false);
}

/** @param {Span} span @returns {[string, string, string] | false} */
function speed(span) {
  if (!span.output_tokens || span.first_token_ns === undefined || span.duration_ns === null) return false;
  const writing = (span.duration_ns - span.first_token_ns) / 1e9;
  return writing > 0.001 && ["speed", `${count(span.output_tokens / writing)} tokens/s`, "Output tokens by the time after the first"];
}

/** What went wrong, with the stack. @param {Span} span @param {Content} content @returns {Node[]} */
function failure(span, content) {
  if (span.status !== "ERROR") return [];
  const event = content.events?.find((one) => one.name === "exception")?.attributes ?? {};
  const type = span.error ?? event["exception.type"] ?? "Error";
  const message = span.message ?? event["exception.message"];
  const stack = event["exception.stacktrace"];
  const box = h("section.failure", { "aria-label": "Error" },
    h("div.strong", null, visible(type)), message ? h("p.failure-text", { dir: "auto" }, visible(message)) : null);
  if (stack) append(box, [h("details", { open: true }, h("summary", null, "Stack"), code(String(stack)))]);
  return [box];
}

/** An answer that was to be JSON and is none. @param {Content} content @param {Span} span @returns {Node[]} */
function invalidJson(content, span) {
  if (content.attributes?.["gen_ai.output.type"] !== "json" || span.status === "ERROR") return [];
  const isBad = messagesOf(content.output_messages).some((message) => message.parts.some((part) => {
    if (part.type !== "text" || typeof part.content !== "string") return false;
    try {
      JSON.parse(part.content);
      return false;
    } catch {
      return true;
    }
  }));
  return isBad ? [banner("error", "JSON was asked for, but the answer is not valid JSON.")] : [];
}

/** @param {any[]} list */
function documents(list) {
  return h("section.panel", { "aria-label": "Documents" },
    h("div.panel-head", null, h("h3", null, plural(list.length, "document"))),
    list.map((one, i) => {
      const { content, page_content: pageContent, text, score, id, title, ...rest } = one !== null && typeof one === "object" ? one : { content: one };
      const body = content ?? pageContent ?? text;
      return h("details.document", { open: i < 3 },
        h("summary", null, h("span.strong", null, visible(title ?? rest.metadata?.title ?? id ?? `document ${i + 1}`)),
          typeof score === "number" ? h("span.muted", null, ` · score ${metric(score)}`) : null),
        body === undefined ? null : valueView(body),
        Object.keys(rest).length ? jsonTree(rest) : null);
    }));
}

/** @param {any} definitions */
function tools(definitions) {
  const list = Array.isArray(definitions) ? definitions : [definitions];
  return h("details.panel", null, h("summary", null, `${plural(list.length, "tool")} offered: ${list.map((tool) => visible(tool?.name ?? tool?.function?.name ?? tool?.type ?? "?")).join(", ")}`), jsonTree(definitions));
}

/** @param {Span} span @param {Content} content @param {Trace} trace @param {number} position @returns {Node[]} */
function attributes(span, content, trace, position) {
  const facts = [
    ["trace id", trace.id], ["span id", span.id], ["parent", span.parent], ["operation", span.operation], ["type", span.type],
    ["started", moment(trace.start_ms + span.at_ns / 1e6)], ["response id", span.response_id], ["prompt", [span.prompt, span.prompt_version].filter(Boolean).join("@")],
    ["tokens written to cache", span.cache_write_tokens], ["cost source", span.cost_source], ["recorded by", span.scope], ["service", span.service], ["host", span.host], ["process", span.pid],
  ].filter(([, value]) => value !== undefined && value !== "");
  const own = Object.entries(content.attributes ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const metadata = position === 0 ? Object.entries(trace.metadata) : [];
  const list = (/** @type {any[]} */ entries) => h("dl.facts-list", null, entries.flatMap(([key, value]) => [
    h("dt", null, visible(key)), h("dd", { dir: "auto" }, typeof value === "object" ? jsonTree(value) : visible(value))]));
  return [h("h3", null, "Span"), list(facts), ...(own.length ? [h("h3", null, "Attributes"), list(own)] : []),
    ...(metadata.length ? [h("h3", null, "Metadata of the trace"), list(metadata)] : [])];
}

/** @param {Content} content @returns {Node[]} */
function events(content) {
  const found = (content.events ?? []).map((event) => h("section.panel", { "aria-label": event.name },
    h("div.panel-head", null, h("h3", null, visible(event.name)), h("span.muted", null, `at ${duration(event.at_ns)}`)),
    Object.entries(event.attributes ?? {}).map(([key, value]) => h("div", null, h("div.faint", null, visible(key)), typeof value === "string" && value.includes("\n") ? code(value) : valueView(value)))));
  const links = (content.links ?? []).map((link) => h("p", null, "linked to ", h("a.mono", { href: `#/trace/${encodeURIComponent(link.trace_id)}/${encodeURIComponent(link.span_id)}` }, visible(link.span_id))));
  if (!found.length && !links.length) return [h("p.muted", null, "No events were recorded in this span.")];
  return [...found, ...links];
}

