// @ts-check
/** The only place where elements are made: from names, text and listeners, never from HTML. */

/** @typedef {Node | string | number | null | undefined | false | readonly any[]} Child */
/**
 * @typedef {Object} Special
 * @property {Record<string, (event: any) => void>} [on] Listeners by event.
 * @property {Record<string, string | number>} [css] Style properties; the policy forbids `style=`.
 */
/** @typedef {Special & Record<string, any>} Attributes */

/**
 * An HTML element.
 * @param {string} name Its tag, and classes after dots: `"div.card.wide"`.
 * @param {Attributes | null} [attributes] `null`, `undefined` and `false` leave one out.
 * @param {...Child} children
 * @returns {HTMLElement & any}
 */
export function h(name, attributes, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  return filled(element, attributes, children);
}

/**
 * An SVG element.
 * @param {string} name As in `h`.
 * @param {Attributes | null} [attributes]
 * @param {...Child} children
 * @returns {SVGElement & any}
 */
export function s(name, attributes, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  if (classes.length) element.setAttribute("class", classes.join(" "));
  return filled(element, attributes, children);
}

/**
 * @template {HTMLElement | SVGElement} E
 * @param {E} element @param {Attributes | null | undefined} attributes @param {Child[]} children
 * @returns {E}
 */
function filled(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "on") {
      for (const [event, listener] of Object.entries(value)) {
        element.addEventListener(event, listener);
      }
    } else if (key === "css") {
      for (const [property, text] of Object.entries(value)) {
        element.style.setProperty(property, String(text));
      }
    } else if (!key.startsWith("on")) {
      element.setAttribute(key, value === true ? "" : String(value));
    }
  }
  append(element, children);
  return element;
}

/** @param {Element | DocumentFragment} parent @param {Child[]} children */
export function append(parent, children) {
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    if (Array.isArray(child)) append(parent, child);
    else parent.append(child instanceof Node ? child : String(child));
  }
}

/** Replace what an element holds. @param {Element} parent @param {...Child} children */
export function fill(parent, ...children) {
  parent.replaceChildren();
  append(parent, children);
}

/** @type {Record<string, string>} */
const SHAPES = {
  agent: "M2 2h10v10H2z",
  model: "M7 1a6 6 0 1 0 .01 0z",
  tool: "M7 .5 13.5 7 7 13.5.5 7z",
  retrieval: "M7 1l6 11.5H1z",
  embedding: "M4 1.5h6L13.2 7 10 12.5H4L.8 7z",
  guardrail: "M1.5 1.5h11v6L7 13 1.5 7.5z",
  step: "M2.5 4h9v6h-9z",
};

/** @type {Record<string, string>} */
export const KIND_NAMES = {
  agent: "agent",
  model: "model call",
  tool: "tool",
  retrieval: "retrieval",
  embedding: "embedding",
  guardrail: "guardrail",
  step: "own code",
};

/** The shape of a kind of span; its second signal besides colour. @param {string} kind */
export function kindIcon(kind) {
  const label = KIND_NAMES[kind] ?? kind;
  return s(
    "svg.icon",
    { viewBox: "0 0 14 14", role: "img", "aria-label": label },
    s("path", { d: SHAPES[kind] ?? SHAPES.step, class: `kind-${kind}` }),
  );
}

/** The shape of a status: quiet dot, cross, ring, dashed ring. @param {string} status */
export function statusIcon(status) {
  const [path, label] = STATUSES[status] ?? STATUSES.OK;
  return s(
    `svg.icon.status.is-${status}`,
    { viewBox: "0 0 14 14", role: "img", "aria-label": label },
    path ? s("path", { d: path }) : s("circle", { cx: 7, cy: 7, r: 2.4 }),
  );
}

/** @type {Record<string, [string, string]>} */
const STATUSES = {
  OK: ["", "ok"],
  FINISHED: ["", "finished"],
  ERROR: ["M3 3l8 8M11 3l-8 8", "error"],
  FAILED: ["M3 3l8 8M11 3l-8 8", "failed"],
  KILLED: ["M3 3l8 8M11 3l-8 8", "killed"],
  UNFINISHED: ["M7 2a5 5 0 1 1-4.9 6", "unfinished"],
  RUNNING: ["M7 2a5 5 0 1 1-4.9 6", "running"],
  SCHEDULED: ["M7 2a5 5 0 1 1-4.9 6", "scheduled"],
};

/** Control characters and overrides of direction, drawn as marks: for names, ids and code. */
export function visible(/** @type {unknown} */ value) {
  return String(value).replace(
    /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g,
    (mark) => {
      const code = mark.charCodeAt(0);
      return code < 32
        ? String.fromCharCode(0x2400 + code)
        : `⟨${code.toString(16).toUpperCase()}⟩`;
    },
  );
}

/**
 * The address if a reader may follow it: http or https, without user and password.
 * @param {string} text
 * @returns {URL | null}
 */
export function safeUrl(text) {
  if (/[\u0000-\u0020\u007f-\u009f]/.test(text) || !/^https?:\/\//i.test(text)) return null;
  try {
    const url = new URL(text);
    const isWeb = url.protocol === "http:" || url.protocol === "https:";
    return isWeb && !url.username && !url.password ? url : null;
  } catch {
    return null;
  }
}

/** A link that leaves the report. @param {URL} url @param {...Child} children */
export function outwardLink(url, ...children) {
  return h(
    "a.outward",
    { href: url.href, rel: "noopener noreferrer", target: "_blank", title: url.host },
    ...children,
    " ↗",
  );
}

/**
 * Buttons of which one is chosen.
 * @param {string} label @param {[string, string][]} options value and text
 * @param {string} chosen @param {(value: string) => void} choose
 */
export function segments(label, options, chosen, choose) {
  return h(
    "div.segments",
    { role: "group", "aria-label": label },
    options.map(([value, text]) =>
      h(
        "button",
        {
          type: "button",
          "aria-pressed": String(value === chosen),
          on: { click: () => choose(value) },
        },
        text,
      ),
    ),
  );
}

/** A named fact in a line of them. @param {string} name @param {...Child} value */
export function fact(name, ...value) {
  return h("span.fact", null, name ? h("span.fact-name", null, name) : null, ...value);
}

/** @param {string} title @param {Child} aside @param {...Child} body */
export function card(title, aside, ...body) {
  return h(
    "section.card",
    { "aria-label": title },
    h("div.card-head", null, h("h2", null, title), h("span.aside", null, aside)),
    ...body,
  );
}

/** A button that copies a text and says that it did. @param {string} label @param {() => string | Promise<string>} text */
export function copyButton(label, text) {
  const button = h("button.button.small", { type: "button" }, label);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(await text());
      button.textContent = "Copied";
    } catch {
      button.textContent = "The browser refused";
    }
    setTimeout(() => (button.textContent = label), 1200);
  });
  return button;
}
