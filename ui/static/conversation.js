// @ts-check
/** Messages as a person would read them: what is new, and each tool call with its answer. */

/** @typedef {import("./types.js").Span} Span */
/** @typedef {import("./types.js").Content} Content */
/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").Part} Part */
/** @typedef {import("./types.js").Trace} Trace */
/**
 * @typedef {Object} Answer
 * @property {any} value
 * @property {number} [span] Position of the span that did the work.
 */
/**
 * @typedef {Object} Conversation
 * @property {any[]} system Parts of the system's instructions.
 * @property {Message[]} before Messages that the call before had already.
 * @property {Message[]} fresh
 * @property {Message[]} output One per choice.
 * @property {boolean} changed The messages before are not those of the call before.
 */

/** @param {unknown} value @returns {Message[]} */
export function messagesOf(value) {
  if (!Array.isArray(value)) return [];
  return value
    .filter((item) => item !== null && typeof item === "object")
    .map((item) => ({
      ...item,
      role: String(item.role ?? "unknown"),
      parts: Array.isArray(item.parts) ? item.parts.map(partOf) : contentParts(item.content),
    }));
}

/** @param {any} part @returns {Part} */
function partOf(part) {
  if (part !== null && typeof part === "object" && !Array.isArray(part)) {
    return { ...part, type: String(part.type ?? "unknown") };
  }
  return { type: "text", content: part };
}

/** @param {any} content of a message in a provider's own form @returns {Part[]} */
function contentParts(content) {
  if (content === null || content === undefined) return [];
  return Array.isArray(content) ? content.map(partOf) : [{ type: "text", content }];
}

/** What a part says, as text. @param {Part} part */
export function partText(part) {
  const text = part.content ?? part.text ?? "";
  return typeof text === "string" ? text : JSON.stringify(text, null, 2);
}

/**
 * What a call was asked and said.
 * @param {Content} content
 * @param {Content | null} before of an earlier call
 * @param {Message[]} [history] that the provider kept and the request left out
 * @returns {Conversation}
 */
export function conversationOf(content, before, history = []) {
  const input = messagesOf(content.input_messages);
  const asked = before ? messagesOf(before.input_messages) : [];
  const known = before ? [...asked, ...messagesOf(before.output_messages)] : [];
  const shared = sharedLength(known, input);
  return {
    system: Array.isArray(content.system) ? content.system : content.system ? [content.system] : [],
    before: [...history, ...input.slice(0, shared)],
    fresh: input.slice(shared),
    output: messagesOf(content.output_messages),
    changed: shared > 0 && shared < asked.length,
  };
}

/**
 * Messages of the calls that a call continues by their id: the provider knew them, the request
 * did not repeat them.
 * @param {number} span @param {Span[]} spans @param {(span: number) => Content | undefined} contentOf
 */
export function historyOf(span, spans, contentOf) {
  /** @type {Message[][]} */
  const parts = [];
  const seen = new Set();
  for (let at = span; at >= 0 && !seen.has(at);) {
    seen.add(at);
    const id = contentOf(at)?.attributes?.["gen_ai.request.previous_response.id"];
    at = id ? spans.findIndex((one) => one.response_id === id) : -1;
    const content = contentOf(at);
    if (content)
      parts.unshift([
        ...messagesOf(content.input_messages),
        ...messagesOf(content.output_messages),
      ]);
  }
  return parts.flat();
}

/** How many messages two lists begin with alike. @param {Message[]} a @param {Message[]} b */
function sharedLength(a, b) {
  let shared = 0;
  while (shared < a.length && shared < b.length && essence(a[shared]) === essence(b[shared]))
    shared++;
  return shared;
}

/** What makes a message the same when it comes back: reasoning and finish reasons may be gone. @param {Message} message */
function essence(message) {
  const parts = message.parts
    .filter((part) => part.type !== "reasoning")
    .map((part) => {
      if (part.type === "tool_call")
        return ["call", part.id ?? null, part.name, part.arguments ?? null];
      if (part.type === "tool_call_response")
        return ["answer", part.id ?? null, part.response ?? part.result];
      return [part.type, part.sha256 ?? part.uri ?? part.content ?? null];
    });
  return JSON.stringify([message.role, parts.filter((part) => part[1] !== "")]);
}

/** @param {Span} span */
const endOf = (span) => span.at_ns + (span.duration_ns ?? 0);

/** The calls of models in a trace, in their order. @param {Span[]} spans */
export function modelCalls(spans) {
  return spans.flatMap((span, i) => (span.kind === "model" ? [i] : []));
}

/**
 * The earlier call that a call continues: the one with which it shares most messages.
 * @param {number} span @param {Span[]} spans @param {(span: number) => Content | undefined} contentOf
 */
export function callBefore(span, spans, contentOf) {
  const input = messagesOf(contentOf(span)?.input_messages);
  let [best, most] = [-1, 0];
  const earlier = modelCalls(spans)
    .filter((i) => i < span && endOf(spans[i]) <= spans[span].at_ns)
    .slice(-24);
  for (const i of earlier) {
    const content = contentOf(i);
    if (!content) continue;
    const known = [...messagesOf(content.input_messages), ...messagesOf(content.output_messages)];
    const shared = sharedLength(known, input);
    const isMore = input.slice(0, shared).some((message) => message.role !== "system");
    if (isMore && shared >= most) [best, most] = [i, shared];
  }
  return best;
}

/**
 * Answers to tool calls, by the id of the call: from later messages, else from the spans of tools.
 * @param {Span[]} spans @param {(span: number) => Content | undefined} contentOf
 */
export function answersOf(spans, contentOf) {
  /** @type {Map<string, Answer>} */
  const answers = new Map();
  spans.forEach((span, i) => {
    const content = contentOf(i);
    if (span.call && !answers.has(span.call)) {
      answers.set(span.call, { value: content?.output ?? span.message, span: i });
    }
    if (span.kind !== "model") return;
    for (const message of messagesOf(content?.input_messages)) {
      for (const part of message.parts) {
        if (part.type !== "tool_call_response" || !part.id) continue;
        answers.set(part.id, {
          span: answers.get(part.id)?.span,
          value: part.response ?? part.result,
        });
      }
    }
  });
  matchByName(spans, contentOf, answers);
  return answers;
}

/** Calls whose tool's span carries no id: by name, in order. @param {Span[]} spans @param {(span: number) => Content | undefined} contentOf @param {Map<string, Answer>} answers */
function matchByName(spans, contentOf, answers) {
  const taken = new Set([...answers.values()].map((answer) => answer.span));
  for (const i of modelCalls(spans)) {
    for (const message of messagesOf(contentOf(i)?.output_messages)) {
      for (const part of message.parts) {
        if (part.type !== "tool_call" || !part.id || answers.get(part.id)?.span !== undefined)
          continue;
        const work = spans.findIndex(
          (span, k) =>
            k > i &&
            span.kind === "tool" &&
            (span.tool ?? span.name) === part.name &&
            !taken.has(k),
        );
        if (work < 0) continue;
        taken.add(work);
        const known = answers.get(part.id);
        answers.set(part.id, { value: known ? known.value : contentOf(work)?.output, span: work });
      }
    }
  }
}

/** All calls of tools in a list of messages, by id. @param {Message[]} messages */
export function callsIn(messages) {
  /** @type {Map<string, Part>} */
  const calls = new Map();
  for (const message of messages) {
    for (const part of message.parts) {
      if (part.type === "tool_call" && part.id) calls.set(part.id, part);
    }
  }
  return calls;
}
