// @ts-check
/**
 * What a trace waited for: from its end backwards, always the child that ended last before.
 * Of children that ran side by side only the one that was waited for counts.
 */

/** @typedef {import("./types.js").Span} Span */
/** @typedef {import("./tree.js").TreeNode} TreeNode */
/** @typedef {{ span: number, from: number, to: number }} Stretch */

const TOLERANCE_NS = 3e6;

/** The last moment that is known of a trace. @param {Span[]} spans */
export function lastMoment(spans) {
  return spans.reduce((last, span) => Math.max(last, span.at_ns + (span.duration_ns ?? 0)), 1);
}

/**
 * The stretches of the critical path. O(n log n), without recursion.
 * @param {TreeNode[]} nodes @param {Span[]} spans
 * @returns {Stretch[]}
 */
export function criticalPath(nodes, spans) {
  const last = lastMoment(spans);
  const end = (/** @type {number} */ i) =>
    spans[i].at_ns + (spans[i].duration_ns ?? last - spans[i].at_ns);
  const { children, roots } = plainTree(nodes, spans.length);
  /** @type {Stretch[]} */
  const path = [];
  const stretch = (
    /** @type {number} */ span,
    /** @type {number} */ from,
    /** @type {number} */ to,
  ) => {
    if (to > from) path.push({ span, from, to });
  };
  const open = (/** @type {number} */ span, /** @type {number} */ limit) => {
    const to = Math.min(limit, end(span));
    const below = children[span].sort(
      (a, b) => Math.min(to, end(b)) - Math.min(to, end(a)) || b - a,
    );
    return { span, cursor: to, isFirst: true, below, k: 0 };
  };
  const root = roots.reduce((best, i) => (best < 0 || end(i) > end(best) ? i : best), -1);
  const stack = root < 0 ? [] : [open(root, Infinity)];
  while (stack.length) {
    const frame = stack[stack.length - 1];
    if (frame.k === frame.below.length) {
      stretch(frame.span, spans[frame.span].at_ns, frame.cursor);
      stack.pop();
      continue;
    }
    const child = frame.below[frame.k++];
    const childEnd = Math.min(end(child), frame.isFirst ? frame.cursor : Infinity);
    if (childEnd > frame.cursor + TOLERANCE_NS || spans[child].at_ns >= frame.cursor) continue;
    if (childEnd <= spans[frame.span].at_ns) continue;
    frame.isFirst = false;
    stretch(frame.span, childEnd, frame.cursor);
    stack.push(open(child, Math.min(childEnd, frame.cursor)));
    frame.cursor = Math.max(spans[child].at_ns, spans[frame.span].at_ns);
  }
  return path;
}

/** Children and roots of spans alone, past groups. @param {TreeNode[]} nodes @param {number} count */
function plainTree(nodes, count) {
  /** @type {number[][]} */
  const children = Array.from({ length: count }, () => []);
  const roots = [];
  for (let i = 0; i < count; i++) {
    let above = nodes[i].parent;
    while (above >= 0 && nodes[above].role === "group") above = nodes[above].parent;
    if (above >= 0 && nodes[above].role === "span") children[nodes[above].span].push(i);
    else roots.push(i);
  }
  return { children, roots };
}

/** @type {Record<string, "models" | "tools">} */
const WAITED = { model: "models", embedding: "models", tool: "tools", retrieval: "tools" };

/** Nanoseconds waited for models, tools and own code. @param {Stretch[]} path @param {Span[]} spans */
export function waitedFor(path, spans) {
  const waited = { models: 0, tools: 0, own: 0 };
  for (const { span, from, to } of path) waited[WAITED[spans[span].kind] ?? "own"] += to - from;
  return waited;
}
