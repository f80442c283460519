// @ts-check
/** Spans as a tree of rows: parents, orphans, cycles, alike siblings folded, what is open. */

/** @typedef {import("./types.js").Span} Span */
/**
 * @typedef {Object} TreeNode
 * @property {"span" | "group" | "orphans"} role
 * @property {number} span Position of the span; of a group its first; -1 for orphans.
 * @property {number} parent Position of the node above; -1 for a root.
 * @property {number} depth
 * @property {number[]} children
 * @property {number} spans How many spans it stands for, itself included.
 * @property {number} failures
 * @property {number} tokens Of the billed calls in it.
 * @property {number} cost
 * @property {boolean} unpriced A model call in it has no known price.
 * @property {number} tries Which try of the same work this is; 1 unless one before failed.
 * @property {boolean} cut Its parents led in a circle, which was cut here.
 */

const MOST_ALIKE = 20;
const MOST_OPEN = 200;

/**
 * The nodes of a trace: one for each span, at the position of the span, then groups and the
 * place for spans whose parent was not recorded. Linear but for sorting, and without recursion.
 * @param {Span[]} spans
 */
export function buildTree(spans) {
  /** @type {Map<string, number>} the first where an id occurs twice */
  const positions = new Map();
  for (let i = spans.length - 1; i >= 0; i--) positions.set(spans[i].id, i);
  /** @type {TreeNode[]} */
  const nodes = spans.map((span, i) => node("span", i));
  /** @type {number[]} */
  const roots = [];
  /** @type {number[]} */
  const orphans = [];
  const parents = spans.map((span) => (span.parent ? positions.get(span.parent) : -1));
  const cut = cycleCuts(parents);
  parents.forEach((parent, i) => {
    if (cut.has(i)) {
      nodes[i].cut = true;
      roots.push(i);
    } else if (parent === undefined) orphans.push(i);
    else if (parent === -1) roots.push(i);
    else {
      nodes[i].parent = parent;
      nodes[parent].children.push(i);
    }
  });
  if (orphans.length) addOrphans(nodes, roots, orphans);
  const byStart = (/** @type {number} */ a, /** @type {number} */ b) =>
    startOf(nodes[a], spans) - startOf(nodes[b], spans) || a - b;
  roots.sort(byStart);
  for (const parent of [...nodes]) {
    parent.children.sort(byStart);
    markTries(nodes, spans, parent.children);
    parent.children = grouped(nodes, spans, parent.children);
  }
  const top = grouped(nodes, spans, roots);
  sumUp(nodes, spans, top);
  return { nodes, roots: top };
}

/** @param {TreeNode["role"]} role @param {number} span @returns {TreeNode} */
function node(role, span) {
  return {
    role,
    span,
    parent: -1,
    depth: 0,
    children: [],
    spans: 0,
    failures: 0,
    tokens: 0,
    cost: 0,
    unpriced: false,
    tries: 1,
    cut: false,
  };
}

/** The spans where circles of parents are cut: one each. @param {(number | undefined)[]} parents */
function cycleCuts(parents) {
  const cut = new Set();
  const state = new Uint32Array(parents.length); // number of the walk that came by
  for (let i = 0; i < parents.length; i++) {
    let at = i;
    while (at !== undefined && at >= 0 && state[at] === 0) {
      state[at] = i + 1;
      at = /** @type {number} */ (parents[at]);
    }
    if (at !== undefined && at >= 0 && state[at] === i + 1) cut.add(at);
  }
  return cut;
}

/** @param {TreeNode[]} nodes @param {number[]} roots @param {number[]} orphans */
function addOrphans(nodes, roots, orphans) {
  const place = nodes.length;
  nodes.push({ ...node("orphans", -1), children: orphans });
  for (const orphan of orphans) nodes[orphan].parent = place;
  roots.push(place);
}

/** @param {TreeNode} one @param {Span[]} spans */
const startOf = (one, spans) => (one.span < 0 ? Infinity : spans[one.span].at_ns);

/** Work that failed and was done again. @param {TreeNode[]} nodes @param {Span[]} spans @param {number[]} siblings */
function markTries(nodes, spans, siblings) {
  const last = new Map();
  for (const i of siblings) {
    if (nodes[i].role !== "span") continue;
    const span = spans[i];
    const key = span.kind + "\n" + span.name;
    const before = last.get(key);
    if (
      before !== undefined &&
      spans[before].status === "ERROR" &&
      endOf(spans[before]) <= span.at_ns
    ) {
      nodes[i].tries = nodes[before].tries + 1;
    }
    last.set(key, i);
  }
}

/** @param {Span} span */
const endOf = (span) => span.at_ns + (span.duration_ns ?? 0);

/** Siblings of which many are alike as one node. @param {TreeNode[]} nodes @param {Span[]} spans @param {number[]} siblings */
function grouped(nodes, spans, siblings) {
  if (siblings.length <= MOST_ALIKE) return siblings;
  /** @type {Map<string, number[]>} */
  const alike = new Map();
  for (const i of siblings) {
    const one = nodes[i];
    const key =
      one.role === "span"
        ? `${spans[i].kind}\n${spans[i].name}\n${one.children.length > 0}`
        : `${i}`;
    const members = alike.get(key);
    if (members) members.push(i);
    else alike.set(key, [i]);
  }
  return [...alike.values()]
    .flatMap((members) => {
      if (members.length <= MOST_ALIKE) return members;
      const group = {
        ...node("group", members[0]),
        parent: nodes[members[0]].parent,
        children: members,
      };
      const place = nodes.push(group) - 1;
      for (const member of members) nodes[member].parent = place;
      return [place];
    })
    .sort((a, b) => startOf(nodes[a], spans) - startOf(nodes[b], spans));
}

/** Depths downwards, sums upwards. @param {TreeNode[]} nodes @param {Span[]} spans @param {number[]} roots */
function sumUp(nodes, spans, roots) {
  const order = [...roots];
  for (let k = 0; k < order.length; k++) {
    const one = nodes[order[k]];
    for (const child of one.children) {
      nodes[child].depth = one.depth + 1;
      order.push(child);
    }
  }
  for (let k = order.length - 1; k >= 0; k--) {
    const one = nodes[order[k]];
    if (one.role === "span") {
      const span = spans[one.span];
      one.spans += 1;
      one.failures += span.status === "ERROR" ? 1 : 0;
      if (span.billed) {
        one.tokens += (span.input_tokens ?? 0) + (span.output_tokens ?? 0);
        one.cost += span.cost_usd ?? 0;
        one.unpriced ||= span.cost_usd === undefined && one.tokens > 0;
      }
    }
    if (one.parent < 0) continue;
    const above = nodes[one.parent];
    above.spans += one.spans;
    above.failures += one.failures;
    above.tokens += one.tokens;
    above.cost += one.cost;
    above.unpriced ||= one.unpriced;
  }
}

/** Which nodes stand closed at first. @param {{ nodes: TreeNode[], roots: number[] }} tree @param {number} focus */
export function closedAtFirst({ nodes, roots }, focus) {
  const closed = new Set();
  nodes.forEach((one, i) => one.role === "group" && closed.add(i));
  if (nodes.length > MOST_OPEN) {
    const open = new Set(pathTo(nodes, focus));
    let seen = roots.length;
    for (let level = [...roots]; level.length;) {
      const next = [];
      for (const i of level) {
        const children = nodes[i].children;
        if (!children.length) continue;
        if (!open.has(i) && (closed.has(i) || seen + children.length > MOST_OPEN)) {
          closed.add(i);
          continue;
        }
        seen += children.length;
        next.push(...children);
      }
      level = next;
    }
  }
  for (const i of pathTo(nodes, focus)) closed.delete(i);
  return closed;
}

/** The nodes above a node. @param {TreeNode[]} nodes @param {number} position */
export function pathTo(nodes, position) {
  const path = [];
  for (let at = nodes[position]?.parent ?? -1; at >= 0; at = nodes[at].parent) path.push(at);
  return path;
}

/** The rows that show, in order. @param {{ nodes: TreeNode[], roots: number[] }} tree @param {Set<number>} closed */
export function visibleRows({ nodes, roots }, closed) {
  const rows = [];
  const stack = [...roots].reverse();
  while (stack.length) {
    const i = /** @type {number} */ (stack.pop());
    rows.push(i);
    if (closed.has(i)) continue;
    const { children } = nodes[i];
    for (let k = children.length - 1; k >= 0; k--) stack.push(children[k]);
  }
  return rows;
}

/** All spans below a node, in the order of the tree. @param {TreeNode[]} nodes @param {number} position */
export function spansBelow(nodes, position) {
  return visibleRows({ nodes, roots: [...nodes[position].children] }, new Set()).filter(
    (i) => nodes[i].role === "span",
  );
}

/** Where a failure began: the first failed span that holds no other failed one; -1 without. @param {TreeNode[]} nodes @param {Span[]} spans */
export function firstFailure(nodes, spans) {
  return spans.findIndex((span, i) => span.status === "ERROR" && nodes[i].failures === 1);
}
