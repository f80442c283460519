// @ts-check
/** A conversation on the page: messages, tool calls with their answers, media, what went wrong. */

import { copyButton, h, kindIcon, outwardLink, safeUrl, visible } from "./dom.js";
import { bytes, count, duration, plural, words } from "./format.js";
import { blobUrl } from "./data.js";
import { callsIn, partText } from "./conversation.js";
import { jsonText } from "./json.js";
import { code, prose, valueView } from "./text.js";

/** @typedef {import("./types.js").Span} Span */
/** @typedef {import("./types.js").Message} Message */
/** @typedef {import("./types.js").Part} Part */
/** @typedef {import("./conversation.js").Conversation} Conversation */
/** @typedef {import("./conversation.js").Answer} Answer */
/**
 * @typedef {Object} Surroundings
 * @property {Span[]} spans
 * @property {Map<string, Answer>} answers
 * @property {Map<string, { type: string, bytes: number }>} blobs
 * @property {(span: number) => void} goTo
 * @property {string} [promptName] Name and version of the prompt.
 */

/** @type {Record<string, string>} */
const ROLES = {
  user: "User",
  assistant: "Assistant",
  system: "System",
  developer: "Developer",
  tool: "Tool results",
};

/** @param {Conversation} talk @param {Surroundings} around @returns {Node[]} */
export function conversationView(talk, around) {
  const calls = callsIn([...talk.before, ...talk.fresh, ...talk.output]);
  const show = (/** @type {Message[]} */ messages) => messagesView(messages, calls, around);
  const system = talk.system.length
    ? [systemView({ role: "system", parts: talk.system }, around)]
    : [];
  if (!talk.before.length) return [...system, ...show([...talk.fresh, ...talk.output])];
  const before = h(
    "details.earlier",
    null,
    h("summary", null, `${plural(talk.before.length, "message")} as in the call before · show`),
  );
  before.addEventListener("toggle", () => before.append(...show(talk.before)), { once: true });
  return [
    ...system,
    before,
    talk.changed
      ? banner("warning", "Messages of the call before were changed or left out here.")
      : "",
    talk.fresh.length ? h("h3.since", null, "New since the call before") : "",
    ...show([...talk.fresh, ...talk.output]),
  ].filter((node) => node !== "");
}

/** @param {Message[]} messages @param {Map<string, Part>} calls @param {Surroundings} around */
function messagesView(messages, calls, around) {
  const shown = callsIn(messages);
  const isShown = (/** @type {Part} */ part) =>
    part.type === "tool_call_response" && !!part.id && shown.has(part.id);
  return together(messages).flatMap((message) => {
    if (message.role === "system" || message.role === "developer")
      return [systemView(message, around)];
    const parts = message.parts.filter((part) => !isShown(part));
    return parts.length || !message.parts.length
      ? [messageView(message, parts, calls, around)]
      : [];
  });
}

/** Messages of the system in a row, and results of tools in a row, as one. @param {Message[]} messages */
function together(messages) {
  /** @type {Message[]} */
  const merged = [];
  for (const message of messages) {
    const last = merged.at(-1);
    const isSame =
      last?.role === message.role && ["system", "developer", "tool"].includes(message.role);
    if (last && isSame)
      merged[merged.length - 1] = { ...last, parts: [...last.parts, ...message.parts] };
    else merged.push(message);
  }
  return merged;
}

/** @param {Message} message @param {Surroundings} around */
function systemView({ role, parts }, around) {
  const text = parts.map(partText).join("\n\n");
  return h(
    "details.message.is-system",
    null,
    h(
      "summary",
      null,
      h("span.role", null, ROLES[role] ?? "System"),
      h(
        "span.muted",
        null,
        ` · ${plural(words(text), "word")}${around.promptName ? ` · prompt ${around.promptName}` : ""}`,
      ),
      h("span.gist", { dir: "auto" }, text.slice(0, 120).replaceAll("\n", " ")),
    ),
    h(
      "div.message-body",
      null,
      parts.map((part) => partView(part, new Map(), around)),
    ),
  );
}

/** @param {Message} message @param {Part[]} parts @param {Map<string, Part>} calls @param {Surroundings} around */
function messageView(message, parts, calls, around) {
  const asked = parts.filter((part) => part.type === "tool_call").length;
  const note = asked > 1 ? `called ${asked} tools at once` : asked ? "called a tool" : "";
  const role = visible(ROLES[message.role] ?? message.role);
  return h(
    `article.message.is-${/^[a-z]+$/.test(message.role) ? message.role : "other"}`,
    { "aria-label": role },
    h(
      "div.message-head",
      null,
      h("span.role", null, role),
      message.name ? h("span.muted", null, visible(message.name)) : null,
      h("span.muted", null, note),
      h("span.grow"),
      copyButton("Copy", () => parts.map(copied).join("\n\n")),
    ),
    h(
      "div.message-body",
      null,
      parts.length ? partViews(parts, calls, around) : h("p.muted", null, "An empty message."),
    ),
  );
}

/** Calls in a row stand side by side, since they ran so. @param {Part[]} parts @param {Map<string, Part>} calls @param {Surroundings} around */
function partViews(parts, calls, around) {
  /** @type {Node[]} */
  const nodes = [];
  /** @type {HTMLElement | null} */
  let side = null;
  for (const part of parts) {
    const view = partView(part, calls, around);
    if (part.type !== "tool_call" && part.type !== "tool_call_response") {
      side = null;
      nodes.push(view);
    } else if (side) side.append(view);
    else nodes.push((side = h("div.side-by-side", null, view)));
  }
  return nodes;
}

/** @param {Part} part */
function copied(part) {
  if (part.type === "tool_call") return `${part.name}(${jsonText(part.arguments ?? {}, 0)})`;
  return partText(part) || jsonText(part);
}

/** @param {Part} part @param {Map<string, Part>} calls @param {Surroundings} around @returns {Node} */
function partView(part, calls, around) {
  switch (part.type) {
    case "text":
      return typeof part.content === "object" ? valueView(part.content) : textView(partText(part));
    case "reasoning":
      return reasoning(part);
    case "refusal":
      return h("div", null, banner("warning", "The model refused."), prose(partText(part)));
    case "tool_call":
      return callView(part, around);
    case "tool_call_response":
      return answerView(part, calls, around);
    case "blob":
    case "file":
    case "uri":
      return mediaView(part, around);
    case "compaction":
      return h(
        "details",
        null,
        h("summary", null, "Earlier messages, summarised by the provider"),
        prose(partText(part)),
      );
    default:
      return h(
        "details",
        null,
        h(
          "summary",
          null,
          visible(part.type.replaceAll("_", " ")),
          part.name ? ` · ${visible(part.name)}` : "",
        ),
        valueView(part),
      );
  }
}

/** @param {string} text */
function textView(text) {
  return text.trim() ? valueView(text) : h("p.muted", null, "An empty text.");
}

/** @param {Part} part */
function reasoning(part) {
  const text = partText(part);
  if (!text.trim()) return h("p.muted", null, "Reasoning, which the provider does not disclose.");
  return h(
    "details.reasoning",
    null,
    h("summary", null, `Reasoning · ${plural(words(text), "word")}`),
    prose(text),
  );
}

/** @param {Part} part @param {Surroundings} around */
function callView(part, around) {
  const answer = part.id ? around.answers.get(part.id) : undefined;
  return pairView(part.name ?? "tool", part.arguments, answer, around);
}

/** An answer whose call stands further up. @param {Part} part @param {Map<string, Part>} calls @param {Surroundings} around */
function answerView(part, calls, around) {
  const call = part.id ? calls.get(part.id) : undefined;
  const span = part.id ? around.answers.get(part.id)?.span : undefined;
  return pairView(
    call?.name ?? part.name ?? "tool",
    call?.arguments,
    { value: part.response ?? part.result, span },
    around,
  );
}

/** @param {string} name @param {any} args @param {Answer | undefined} answer @param {Surroundings} around */
function pairView(name, args, answer, around) {
  const work = answer?.span === undefined ? undefined : around.spans[answer.span];
  const hasArguments =
    args !== null &&
    args !== undefined &&
    (typeof args !== "object" || Object.keys(args).length > 0);
  return h(
    "section.pair",
    { "aria-label": `Call of ${name}` },
    h(
      "div.pair-head",
      null,
      kindIcon("tool"),
      h("span.strong", null, visible(name)),
      h("span.grow"),
      work?.status === "ERROR" ? h("span.badge.is-error", null, "✕ error") : null,
      work
        ? h(
            "button.link",
            {
              type: "button",
              "aria-label": `${duration(work.duration_ns)} →, go to the span of ${name}`,
              on: { click: () => around.goTo(/** @type {number} */ (answer?.span)) },
            },
            `${duration(work.duration_ns)} →`,
          )
        : null,
    ),
    hasArguments ? valueView(args) : h("p.muted", null, "Without arguments."),
    h(
      "div.pair-answer",
      null,
      h("span.pair-arrow", { "aria-hidden": "true" }, "↳ "),
      answerBody(answer, work),
    ),
  );
}

/** @param {Answer | undefined} answer @param {Span | undefined} work */
function answerBody(answer, work) {
  if (!answer || (answer.value === undefined && !work))
    return h("span.badge.is-warning", null, "never answered");
  if (answer.value !== undefined && answer.value !== null && answer.value !== "")
    return valueView(answer.value);
  if (work?.status === "ERROR") return code(work.message ?? work.error ?? "failed");
  return h(
    "span.muted",
    null,
    answer.value === null
      ? "null"
      : answer.value === ""
        ? "an empty text"
        : "The result was not recorded.",
  );
}

/** @param {Part} part @param {Surroundings} around */
function mediaView(part, around) {
  const kind = visible(part.mime_type ?? part.modality ?? "file");
  if (part.type === "uri") return h("p.media", null, `${kind} · `, link(part.uri ?? ""));
  if (part.type === "file")
    return h("p.media", null, `${kind} · file ${visible(part.file_id ?? "")} at the provider`);
  const embedded = part.sha256 ? around.blobs.get(part.sha256) : undefined;
  const size = embedded?.bytes ?? part.bytes;
  const facts = `${kind}${size === undefined ? "" : ` · ${bytes(size)}`}`;
  if (!embedded || !part.sha256) {
    const where = part.sha256
      ? ` · artifacts/sha256/${part.sha256.slice(0, 2)}/${part.sha256.slice(0, 12)}…`
      : "";
    return h("p.media.muted", null, `${facts} · not shown in this file${visible(where)}`);
  }
  return mediaBox(part.sha256, embedded.type, facts);
}

/** @param {string} sha256 @param {string} type @param {string} facts */
function mediaBox(sha256, type, facts) {
  const box = h("figure.media", null, h("figcaption", null, facts));
  blobUrl(sha256, type).then(
    (url) => {
      if (!url) return;
      box.append(
        type.startsWith("image/")
          ? h("img", { src: url, alt: `Image, ${facts}`, loading: "lazy" })
          : h("audio", {
              src: url,
              controls: true,
              preload: "metadata",
              "aria-label": `Audio, ${facts}`,
            }),
      );
    },
    (error) => box.append(h("p.muted", null, String(error.message))),
  );
  return box;
}

/** @param {string} address */
function link(address) {
  const url = safeUrl(address);
  return url ? outwardLink(url, visible(address)) : h("span.mono", null, visible(address));
}

/** Something a reader must see before the text. @param {"error" | "warning"} look @param {...(Node | string)} text */
export function banner(look, ...text) {
  return h(`p.banner.is-${look}`, { role: "note" }, ...text);
}

/** @type {Record<string, string>} */
const STOPS = {
  length: "Stopped at the limit of tokens: the answer is cut off.",
  content_filter: "Withheld by the content filter of the provider.",
};

/** What the end of a call says, in words. @param {Span} span @param {number} outputLimit requested; NaN without */
export function finishBanners(span, outputLimit) {
  const banners = (span.finish ?? [])
    .filter((reason) => STOPS[reason])
    .map((reason) =>
      banner(
        "warning",
        STOPS[reason] +
          (reason === "length" && outputLimit ? ` The request allowed ${count(outputLimit)}.` : ""),
      ),
    );
  if (span.incomplete)
    banners.push(
      banner(
        "warning",
        "The stream was broken off or never read to its end: this is what had come.",
      ),
    );
  if (span.status === "UNFINISHED") {
    banners.push(
      banner(
        "warning",
        span.gone
          ? "Never ended: its process is gone."
          : "Had not ended when this file was written.",
      ),
    );
  }
  return banners;
}
