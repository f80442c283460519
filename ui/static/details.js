// @ts-check
/** The parts of a span's panel: facts, failure, assessments, documents, tools, attributes, events. */

import { KIND_NAMES, append, h, visible } from "./dom.js";
import { cost, count, duration, metric, moment, percent, plural, tokens } from "./format.js";
import { messagesOf } from "./conversation.js";
import { jsonTree } from "./json.js";
import { banner } from "./message.js";
import { address } from "./route.js";
import { code, valueView } from "./text.js";

/** @typedef {import("./types.js").Span} Span */
/** @typedef {import("./types.js").Content} Content */
/** @typedef {import("./types.js").Trace} Trace */
/** @typedef {import("./types.js").Assessment} Assessment */

/** @param {Assessment} one */
export function assessmentView(one) {
  const value = one.error ? "failed" : typeof one.value === "object" ? null : String(one.value);
  const look = one.error
    ? ".is-error"
    : one.score === null
      ? ""
      : one.score < 0.5
        ? ".is-error"
        : one.score < 0.8
          ? ".is-warning"
          : "";
  const source = { HUMAN: "person", LLM_JUDGE: "judge", CODE: "code" }[one.source] ?? one.source;
  return h(
    "article.assessment",
    null,
    h(
      "div",
      null,
      h("div.strong", null, visible(one.name)),
      h(
        "div.faint",
        null,
        `${one.kind === "expectation" ? "expected · " : ""}${source}${one.source_id ? ` ${visible(one.source_id)}` : ""}`,
      ),
    ),
    h(
      "div",
      null,
      h(
        `span.badge${look}`,
        null,
        value === null
          ? "value"
          : typeof one.value === "number"
            ? metric(one.value)
            : visible(value),
      ),
    ),
    h(
      "div",
      { title: moment(one.at_ms) },
      one.error ? h("p.is-error-text", null, visible(one.error)) : null,
      value === null ? jsonTree(one.value) : null,
      one.rationale ? valueView(one.rationale) : h("span.faint", null, "no reason given"),
    ),
  );
}

/** @param {Span} span @returns {[string, string, string?][]} */
export function factsOf(span) {
  /** @type {([string, string, string?] | false)[]} */
  const facts = [
    ["", KIND_NAMES[span.kind]],
    ["took", span.duration_ns === null ? "unfinished" : duration(span.duration_ns)],
    span.first_token_ns !== undefined && ["first token", duration(span.first_token_ns)],
    span.input_tokens !== undefined && [
      "in",
      tokens(span.input_tokens) +
        (span.cache_read_tokens
          ? ` (${percent(span.cache_read_tokens / span.input_tokens)} cached)`
          : ""),
      `${count(span.input_tokens)} tokens`,
    ],
    span.output_tokens !== undefined && [
      "out",
      tokens(span.output_tokens) +
        (span.reasoning_tokens ? ` (${tokens(span.reasoning_tokens)} reasoning)` : ""),
      `${count(span.output_tokens)} tokens`,
    ],
    (span.kind === "model" || span.cost_usd !== undefined) && [
      "cost",
      cost(span.cost_usd),
      span.cost_usd === undefined
        ? "The price of this model is not known"
        : `$${span.cost_usd}${span.cost_source ? `, ${span.cost_source}` : ""}`,
    ],
    speed(span),
    span.model !== undefined && [
      "model",
      span.response_model && span.response_model !== span.model
        ? `${span.model} → ${span.response_model}`
        : span.model,
    ],
    span.provider !== undefined && ["provider", span.provider],
    span.finish !== undefined && ["finish", span.finish.join(", ")],
  ];
  return facts.filter((fact) => fact !== false);
}

/** @param {Span} span @returns {[string, string, string] | false} */
function speed(span) {
  if (!span.output_tokens || span.first_token_ns === undefined || span.duration_ns === null)
    return false;
  const writing = (span.duration_ns - span.first_token_ns) / 1e9;
  return (
    writing > 0.001 && [
      "speed",
      `${count(span.output_tokens / writing)} tokens/s`,
      "Output tokens by the time after the first",
    ]
  );
}

/** What went wrong, with the stack. @param {Span} span @param {Content} content @returns {Node[]} */
export function failure(span, content) {
  if (span.status !== "ERROR") return [];
  const event = content.events?.find((one) => one.name === "exception")?.attributes ?? {};
  const type = span.error ?? event["exception.type"] ?? "Error";
  const message = span.message ?? event["exception.message"];
  const stack = event["exception.stacktrace"];
  const box = h(
    "section.failure",
    { "aria-label": "Error" },
    h("div.strong", null, visible(type)),
    message ? h("p.failure-text", { dir: "auto" }, visible(message)) : null,
  );
  if (stack)
    append(box, [h("details", { open: true }, h("summary", null, "Stack"), code(String(stack)))]);
  return [box];
}

/** An answer that was to be JSON and is none. @param {Content} content @param {Span} span @returns {Node[]} */
export function invalidJson(content, span) {
  if (content.attributes?.["gen_ai.output.type"] !== "json" || span.status === "ERROR") return [];
  const isBad = messagesOf(content.output_messages).some((message) =>
    message.parts.some((part) => {
      if (part.type !== "text" || typeof part.content !== "string") return false;
      try {
        JSON.parse(part.content);
        return false;
      } catch {
        return true;
      }
    }),
  );
  return isBad ? [banner("error", "JSON was asked for, but the answer is not valid JSON.")] : [];
}

/** @param {any[]} list */
export function documents(list) {
  return h(
    "section.panel",
    { "aria-label": "Documents" },
    h("div.panel-head", null, h("h3", null, plural(list.length, "document"))),
    list.map((one, i) => {
      const {
        content,
        page_content: pageContent,
        text,
        score,
        id,
        title,
        ...rest
      } = one !== null && typeof one === "object" ? one : { content: one };
      const body = content ?? pageContent ?? text;
      return h(
        "details.document",
        { open: i < 3 },
        h(
          "summary",
          null,
          h(
            "span.strong",
            null,
            visible(title ?? rest.metadata?.title ?? id ?? `document ${i + 1}`),
          ),
          typeof score === "number" ? h("span.muted", null, ` · score ${metric(score)}`) : null,
        ),
        body === undefined ? null : valueView(body),
        Object.keys(rest).length ? jsonTree(rest) : null,
      );
    }),
  );
}

/** @param {any} definitions */
export function tools(definitions) {
  const list = Array.isArray(definitions) ? definitions : [definitions];
  return h(
    "details.panel",
    null,
    h(
      "summary",
      null,
      `${plural(list.length, "tool")} offered: ${list.map((tool) => visible(tool?.name ?? tool?.function?.name ?? tool?.type ?? "?")).join(", ")}`,
    ),
    jsonTree(definitions),
  );
}

/** @param {Span} span @param {Content} content @param {Trace} trace @param {number} position @returns {Node[]} */
export function attributes(span, content, trace, position) {
  const facts = [
    ["trace id", trace.id],
    ["span id", span.id],
    ["parent", span.parent],
    ["operation", span.operation],
    ["type", span.type],
    ["started", moment(trace.start_ms + span.at_ns / 1e6)],
    ["response id", span.response_id],
    ["prompt", [span.prompt, span.prompt_version].filter(Boolean).join("@")],
    ["tokens written to cache", span.cache_write_tokens],
    ["cost source", span.cost_source],
    ["recorded by", span.scope],
    ["service", span.service],
    ["host", span.host],
    ["process", span.pid],
  ].filter(([, value]) => value !== undefined && value !== "");
  const own = Object.entries(content.attributes ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const metadata = position === 0 ? Object.entries(trace.metadata) : [];
  const list = (/** @type {any[]} */ entries) =>
    h(
      "dl.facts-list",
      null,
      entries.flatMap(([key, value]) => [
        h("dt", null, visible(key)),
        h("dd", { dir: "auto" }, typeof value === "object" ? jsonTree(value) : visible(value)),
      ]),
    );
  return [
    h("h3", null, "Span"),
    list(facts),
    ...(own.length ? [h("h3", null, "Attributes"), list(own)] : []),
    ...(metadata.length ? [h("h3", null, "Metadata of the trace"), list(metadata)] : []),
  ];
}

/** @param {Content} content @returns {Node[]} */
export function events(content) {
  const found = (content.events ?? []).map((event) =>
    h(
      "section.panel",
      { "aria-label": event.name },
      h(
        "div.panel-head",
        null,
        h("h3", null, visible(event.name)),
        h("span.muted", null, `at ${duration(event.at_ns)}`),
      ),
      Object.entries(event.attributes ?? {}).map(([key, value]) =>
        h(
          "div",
          null,
          h("div.faint", null, visible(key)),
          typeof value === "string" && value.includes("\n") ? code(value) : valueView(value),
        ),
      ),
    ),
  );
  const links = (content.links ?? []).map((link) =>
    h(
      "p",
      null,
      "linked to ",
      h(
        "a.mono",
        {
          href: address("trace", [link.trace_id, link.span_id]),
        },
        visible(link.span_id),
      ),
    ),
  );
  if (!found.length && !links.length)
    return [h("p.muted", null, "No events were recorded in this span.")];
  return [...found, ...links];
}
