// @ts-check
/** The tree of spans with their bars: by time, tokens or cost. Walks by keyboard. */

import { KIND_NAMES, fill, h, kindIcon, visible } from "./dom.js";
import { UNKNOWN, cost, costDigits, count, duration, percent, plural, tokens } from "./format.js";
import { VirtualRows } from "./rows.js";
import { closedAtFirst, pathTo, visibleRows } from "./tree.js";
import { quantile } from "./table.js";

/** @typedef {import("./types.js").Span} Span */
/** @typedef {import("./tree.js").TreeNode} TreeNode */
/** @typedef {import("./critical.js").Stretch} Stretch */
/** @typedef {"time" | "tokens" | "cost"} Width */

const MOST_STRETCHES = 40;
let nextId = 0;

/** What people call a span. @param {Span} span */
export function spanLabel(span) {
  if (span.kind === "tool" && span.tool) return span.tool;
  if (span.kind === "agent" && span.agent) return span.agent;
  const isPlain = span.operation === "chat" || !span.name.startsWith(`${span.operation} `);
  return isPlain ? span.name : span.name.slice((span.operation ?? "").length + 1);
}

export class Waterfall {
  /**
   * @param {Object} options
   * @param {Span[]} options.spans
   * @param {{ nodes: TreeNode[], roots: number[] }} options.tree
   * @param {Stretch[]} options.path the critical one
   * @param {number} options.end last moment, nanoseconds
   * @param {number} options.selected
   * @param {Width} options.width
   * @param {(span: number) => void} options.onSelect
   */
  constructor({ spans, tree, path, end, selected, width, onSelect }) {
    this.spans = spans;
    this.tree = tree;
    this.end = end;
    this.zoom = [0, end];
    this.width = width;
    this.onSelect = onSelect;
    this.current = selected;
    this.closed = closedAtFirst(tree, selected);
    this.stretches = stretchesOf(path);
    this.total = { tokens: 0, cost: 0 };
    for (const root of tree.roots) {
      this.total.tokens += tree.nodes[root].tokens;
      this.total.cost += tree.nodes[root].cost;
    }
    this.digits = costDigits(tree.nodes.map((node) => node.cost));
    this.host = h("div.rows", {
      role: "tree",
      tabindex: 0,
      "aria-label": "Spans",
      on: { keydown: (/** @type {KeyboardEvent} */ event) => this.#key(event) },
    });
    this.ruler = h("div.ruler", { "aria-hidden": "true" });
    new ResizeObserver(() => this.#fitRuler()).observe(this.ruler);
    this.virtual = new VirtualRows(this.host, 28, () => this.#makeRow());
    /** @type {number[]} */
    this.rows = [];
    this.#list();
  }

  /** To be called once it is in the document. */
  shown() {
    this.virtual.reset(this.rows.length);
    this.virtual.reveal(this.rows.indexOf(this.current));
  }

  /** @param {number} position of a node */
  select(position) {
    const path = pathTo(this.tree.nodes, position);
    const isHidden = path.some((above) => this.closed.has(above));
    for (const above of path) this.closed.delete(above);
    this.current = position;
    if (isHidden) this.#list();
    this.virtual.reveal(this.rows.indexOf(position));
    this.virtual.refresh();
    this.onSelect(position);
  }

  /** @param {Width} width */
  setWidth(width) {
    this.width = width;
    this.#drawRuler();
    this.virtual.refresh();
  }

  /** The next failed span in the order of the tree. */
  nextError() {
    const all = visibleRows(this.tree, new Set()).filter((i) => this.tree.nodes[i].role === "span");
    const failed = all.filter((i) => this.spans[i].status === "ERROR");
    if (!failed.length) return;
    const at = all.indexOf(this.current);
    this.select(failed.find((i) => all.indexOf(i) > at) ?? failed[0]);
  }

  /** To the span and back. */
  toggleZoom() {
    const node = this.tree.nodes[this.current];
    if (node.span < 0 || this.width !== "time") return;
    const [from, to] = this.#extent(node);
    const isThere = this.zoom[0] === from && this.zoom[1] === to;
    this.zoom = isThere || to <= from ? [0, this.end] : [from, to];
    this.#drawRuler();
    this.virtual.refresh();
  }

  openAllBelow() {
    const stack = [this.current];
    while (stack.length) {
      const at = /** @type {number} */ (stack.pop());
      this.closed.delete(at);
      stack.push(...this.tree.nodes[at].children);
    }
    this.#list();
  }

  /** @param {number} step */
  move(step) {
    const at = this.rows.indexOf(this.current);
    const next = this.rows[Math.max(0, Math.min(this.rows.length - 1, at + step))];
    if (next !== undefined && next !== this.current) this.select(next);
  }

  /** Open, or go to the first child. */
  inward() {
    const { children } = this.tree.nodes[this.current];
    if (this.closed.has(this.current)) this.#toggle(this.current);
    else if (children.length) this.select(children[0]);
  }

  /** Close, or go to the parent. */
  outward() {
    const { children, parent } = this.tree.nodes[this.current];
    if (children.length && !this.closed.has(this.current)) this.#toggle(this.current);
    else if (parent >= 0) this.select(parent);
  }

  /** @param {number} position */
  #toggle(position) {
    if (!this.closed.delete(position)) this.closed.add(position);
    this.#list();
  }

  #list() {
    this.rows = visibleRows(this.tree, this.closed);
    this.virtual.reset(this.rows.length);
    this.#drawRuler();
  }

  #drawRuler() {
    const [from, to] = this.zoom;
    const share =
      this.width === "tokens"
        ? `share of ${tokens(this.total.tokens)} tokens`
        : `share of ${cost(this.total.cost)}`;
    const marks = [0, 1 / 3, 2 / 3, 1].map((at) =>
      h(
        "span",
        { css: { left: `${at * 100}%` } },
        from + at * (to - from) ? duration(from + at * (to - from)) : "0",
      ),
    );
    fill(
      this.ruler,
      h("span.ruler-count", null, plural(this.spans.length, "span")),
      h("span"),
      h("div", null, this.width === "time" ? marks : h("span", { css: { left: "0%" } }, share)),
    );
    this.#fitRuler();
  }

  /** Without the last mark but one where it would run into the last. */
  #fitRuler() {
    const [, , mark, last] = /** @type {HTMLElement[]} */ ([
      ...(this.ruler.lastElementChild?.children ?? []),
    ]);
    if (!last) return;
    mark.hidden = false;
    mark.hidden = mark.getBoundingClientRect().right + 6 > last.getBoundingClientRect().left;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const step = {
      PageDown: this.virtual.perPage,
      PageUp: -this.virtual.perPage,
      Home: -Infinity,
      End: Infinity,
    }[event.key];
    if (step === undefined) return;
    this.move(step);
    event.preventDefault();
  }

  #makeRow() {
    const parts = {
      indent: h("span.indent"),
      twist: h("span.twist", { "aria-hidden": "true" }),
      icon: kindIcon("step"),
      label: h("span.ellipsis"),
      badges: h("span.badges"),
      value: h("span.number.value"),
      bar: h("i.bar"),
      cached: h("i.cached"),
      first: h("i.first"),
      share: h("b"),
      track: h("div.track"),
    };
    parts.track.append(parts.bar, parts.cached, parts.first, parts.share);
    const element = h(
      "div.span-row",
      { role: "treeitem" },
      h("div.span-name", null, parts.indent, parts.twist, parts.icon, parts.label, parts.badges),
      parts.value,
      parts.track,
    );
    element.id = `span-row-${nextId++}`;
    let position = -1;
    element.addEventListener("click", () => {
      this.select(position);
      this.host.focus({ preventScroll: true });
    });
    parts.twist.addEventListener("click", (/** @type {Event} */ event) => {
      event.stopPropagation();
      this.#toggle(position);
    });
    /** @type {HTMLElement[]} */
    const critical = [];
    return {
      element,
      show: (/** @type {number} */ row) => {
        position = this.rows[row];
        this.#showName(element, parts, position, row);
        this.#showBar(parts, this.tree.nodes[position]);
        this.#showCritical(parts.track, critical, this.tree.nodes[position]);
      },
    };
  }

  /** @param {HTMLElement} element @param {any} parts @param {number} position @param {number} row */
  #showName(element, parts, position, row) {
    const node = this.tree.nodes[position];
    const isSelected = position === this.current;
    const span = this.spans[node.span];
    element.setAttribute("aria-level", String(node.depth + 1));
    element.setAttribute("aria-posinset", String(row + 1));
    element.setAttribute("aria-setsize", String(this.rows.length));
    element.setAttribute("aria-selected", String(isSelected));
    if (isSelected) this.host.setAttribute("aria-activedescendant", element.id);
    if (node.children.length)
      element.setAttribute("aria-expanded", String(!this.closed.has(position)));
    else element.removeAttribute("aria-expanded");
    parts.indent.style.setProperty("width", `${6 + Math.min(node.depth, 24) * 14}px`);
    parts.twist.textContent = node.children.length ? (this.closed.has(position) ? "▸" : "▾") : "";
    const kind = span?.kind ?? "step";
    parts.icon.setAttribute("aria-label", KIND_NAMES[kind]);
    parts.icon.firstChild.setAttribute("class", `kind-${kind}`);
    parts.icon.firstChild.setAttribute("d", kindIcon(kind).firstChild.getAttribute("d"));
    const label = this.#label(node, span);
    parts.label.textContent = visible(label);
    parts.label.title = visible(span?.name ?? label);
    fill(
      parts.badges,
      this.#badges(node, span, position).map(([text, look]) =>
        h(
          `span.badge${look}`,
          { "aria-label": text === "✕" ? "error" : null, role: text === "✕" ? "img" : null },
          text,
        ),
      ),
    );
  }

  /** @param {TreeNode} node @param {Span | undefined} span */
  #label(node, span) {
    if (node.role === "orphans" || !span) return "parent not recorded";
    return spanLabel(span);
  }

  /** @param {TreeNode} node @param {Span | undefined} span @param {number} position @returns {[string, string][]} */
  #badges(node, span, position) {
    /** @type {[string, string][]} */
    const badges = [];
    if (node.role === "span" && span?.status === "ERROR") badges.push(["✕", ".is-error"]);
    if (span?.retries && node.role === "span")
      badges.push([plural(span.retries + 1, "try", "tries"), ""]);
    if (node.tries > 1) badges.push([`try ${node.tries}`, ""]);
    if (node.role === "span" && span?.status === "UNFINISHED")
      badges.push([span.gone ? "cut short" : "unfinished", ".is-warning"]);
    if (span?.incomplete && node.role === "span") badges.push(["stream broken off", ".is-warning"]);
    if (node.cut) badges.push(["circle of parents, cut here", ".is-warning"]);
    if (this.#isEarly(node, span)) badges.push(["before its parent", ".is-warning"]);
    const hidden = node.spans - (node.role === "span" ? 1 : 0);
    if (this.closed.has(position) && hidden) {
      const failures = node.failures - (node.role === "span" && span?.status === "ERROR" ? 1 : 0);
      badges.push([
        `${node.role === "group" ? "× " : "+"}${count(node.role === "group" ? node.children.length : hidden)}`,
        "",
      ]);
      if (failures) badges.push([`${count(failures)} failed`, ".is-error"]);
    }
    return badges;
  }

  /** Clocks differ: drawn where it says, and marked. @param {TreeNode} node @param {Span | undefined} span */
  #isEarly(node, span) {
    const parent = this.tree.nodes[node.parent];
    return (
      node.role === "span" &&
      !!span &&
      parent?.role === "span" &&
      span.at_ns < this.spans[parent.span].at_ns - 1e6
    );
  }

  /** @param {TreeNode} node */
  #durations(node) {
    return node.children.map((child) => this.spans[this.tree.nodes[child].span].duration_ns ?? 0);
  }

  /** From and to. @param {TreeNode} node */
  #extent(node) {
    const one = (/** @type {Span} */ span) => [
      span.at_ns,
      span.duration_ns === null ? this.end : span.at_ns + span.duration_ns,
    ];
    if (node.role === "span") return one(this.spans[node.span]);
    const all = node.children.map((child) => one(this.spans[this.tree.nodes[child].span]));
    return [Math.min(...all.map(([from]) => from)), Math.max(...all.map(([, to]) => to))];
  }

  /** @param {any} parts @param {TreeNode} node */
  #showBar(parts, node) {
    const span = this.spans[node.span];
    const kind = span?.kind ?? "step";
    const isPale = node.role !== "span" || (this.width !== "time" && node.children.length > 0);
    const state = node.role === "span" ? span.status : "";
    parts.track.className = `track kind-${kind}${isPale ? " is-pale" : ""}${state ? " is-" + state : ""}`;
    parts.first.hidden = parts.cached.hidden = parts.share.hidden = true;
    if (node.role === "orphans") {
      parts.bar.hidden = true;
      parts.value.textContent = "";
    } else if (this.width === "time") this.#showTime(parts, node, span);
    else this.#showShare(parts, node, span);
  }

  /** @param {any} parts @param {TreeNode} node @param {Span} span */
  #showTime(parts, node, span) {
    const [from, to] = this.#extent(node);
    this.#place(parts.bar, from, to);
    const took = node.role === "group" ? quantile(this.#durations(node), 0.5) : span.duration_ns;
    parts.value.textContent = duration(took);
    parts.value.title =
      node.role === "group"
        ? `The median of them; the longest took ${duration(Math.max(...this.#durations(node)))}`
        : "";
    if (node.role !== "span" || span.first_token_ns === undefined) return;
    parts.first.hidden = parts.bar.hidden;
    this.#place(parts.first, from, Math.min(to, from + span.first_token_ns));
    parts.first.title = `until the first token: ${duration(span.first_token_ns)}`;
  }

  /** @param {HTMLElement} bar @param {number} from @param {number} to */
  #place(bar, from, to) {
    const [start, end] = this.zoom;
    const left = Math.max(0, (from - start) / (end - start));
    const right = Math.min(1, (to - start) / (end - start));
    bar.hidden = right < left;
    bar.style.setProperty("left", `${left * 100}%`);
    bar.style.setProperty("width", `${Math.max(0, right - left) * 100}%`);
  }

  /** @param {any} parts @param {TreeNode} node @param {Span} span */
  #showShare(parts, node, span) {
    const value = this.width === "tokens" ? node.tokens : node.cost;
    const total = this.width === "tokens" ? this.total.tokens : this.total.cost;
    const isUnpriced = this.width === "cost" && node.unpriced && !node.cost;
    const share = total ? value / total : 0;
    parts.value.textContent = !value
      ? UNKNOWN
      : this.width === "tokens"
        ? tokens(value)
        : cost(value, this.digits);
    parts.value.title = isUnpriced ? "The price is not known" : "";
    parts.bar.hidden = !value && !isUnpriced;
    parts.bar.style.setProperty("left", "0%");
    parts.bar.style.setProperty("width", isUnpriced ? "100%" : `${share * 100}%`);
    parts.track.classList.toggle("is-unpriced", isUnpriced);
    if (!value) return;
    parts.share.hidden = false;
    parts.share.textContent = percent(share);
    parts.share.style.setProperty("left", `min(calc(${share * 100}% + 6px), calc(100% - 44px))`);
    if (this.width !== "tokens" || node.role !== "span" || !span.cache_read_tokens) return;
    parts.cached.hidden = false;
    parts.cached.style.setProperty("left", "0%");
    parts.cached.style.setProperty("width", `${(span.cache_read_tokens / total) * 100}%`);
    parts.cached.title = `${tokens(span.cache_read_tokens)} of them from the cache`;
  }

  /** @param {HTMLElement} track @param {HTMLElement[]} pool @param {TreeNode} node */
  #showCritical(track, pool, node) {
    const stretches =
      this.width === "time" && node.role === "span" ? (this.stretches.get(node.span) ?? []) : [];
    const [start, end] = this.zoom;
    const seen = stretches.filter(
      ([from, to]) => to > start && from < end && to - from > (end - start) / 500,
    );
    const shown = merged(seen, (end - start) / 400);
    while (pool.length < shown.length) {
      const line = h("i.critical");
      pool.push(line);
      track.append(line);
    }
    pool.forEach((line, i) => {
      line.hidden = i >= shown.length;
      if (!line.hidden) this.#place(line, shown[i][0], shown[i][1]);
    });
  }
}

/** @param {Stretch[]} path */
function stretchesOf(path) {
  /** @type {Map<number, [number, number][]>} */
  const bySpan = new Map();
  for (const { span, from, to } of path) {
    const known = bySpan.get(span);
    if (known) known.push([from, to]);
    else bySpan.set(span, [[from, to]]);
  }
  for (const stretches of bySpan.values()) stretches.sort((a, b) => a[0] - b[0]);
  return bySpan;
}

/** Stretches with gaps too small to see drawn as one. @param {[number, number][]} stretches @param {number} gap @returns {[number, number][]} */
function merged(stretches, gap) {
  /** @type {[number, number][]} */
  const result = [];
  for (const [from, to] of stretches) {
    const last = result.at(-1);
    if (last && from - last[1] <= gap) last[1] = to;
    else result.push([from, to]);
  }
  return result.length > MOST_STRETCHES ? merged(result, gap * 2) : result;
}

/** What the marks of the bars mean. */
export function legend() {
  return h(
    "span.legend",
    {
      title:
        "Critical path: from the end backwards, always the work that ended last. Of work side by side only what was waited for is underlined.",
    },
    h("i.legend-critical"),
    "waited for",
    h("i.legend-first"),
    "first token",
  );
}
