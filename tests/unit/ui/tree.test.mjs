import assert from "node:assert/strict";
import test from "node:test";
import { criticalPath, waitedFor } from "../../../ui/static/critical.js";
import { buildTree, closedAtFirst, firstFailure, pathTo, visibleRows } from "../../../ui/static/tree.js";

const MS = 1e6;
const span = (id, parent, at, took, more = {}) => ({
  id, parent, name: id, kind: "step", status: "UNSET", at_ns: at * MS, duration_ns: took * MS, ...more,
});
const names = (spans, rows) => rows.map((i) => spans[i]?.id ?? "orphans");

test("children stand under their parents in the order of their start", () => {
  const spans = [span("root", undefined, 0, 10), span("late", "root", 5, 1), span("early", "root", 1, 1)];
  const tree = buildTree(spans);
  assert.deepEqual(names(spans, visibleRows(tree, new Set())), ["root", "early", "late"]);
  assert.equal(tree.nodes[1].depth, 1);
});

test("a span whose parent was not recorded stands apart, and nothing is lost", () => {
  const spans = [span("root", undefined, 0, 10), span("lost", "gone", 2, 1), span("below", "lost", 2, 1)];
  const tree = buildTree(spans);
  assert.deepEqual(names(spans, visibleRows(tree, new Set())), ["root", "orphans", "lost", "below"]);
});

test("a circle of parents is cut once and all of it is shown", () => {
  const spans = [span("a", "c", 0, 1), span("b", "a", 1, 1), span("c", "b", 2, 1), span("self", "self", 3, 1)];
  const tree = buildTree(spans);
  const rows = visibleRows(tree, new Set());
  assert.equal(rows.length, 4);
  assert.equal(tree.nodes.filter((node) => node.cut).length, 2);
});

test("many alike siblings become one closed row that counts its failures", () => {
  const alike = Array.from({ length: 30 }, (_, i) =>
    ({ ...span(`s${i}`, "root", i, 1), name: "GET", status: i === 7 ? "ERROR" : "UNSET" }));
  const spans = [span("root", undefined, 0, 40), ...alike];
  const tree = buildTree(spans);
  const closed = closedAtFirst(tree, 0);
  const rows = visibleRows(tree, closed);
  assert.equal(rows.length, 2);
  const group = tree.nodes[rows[1]];
  assert.equal(group.role, "group");
  assert.deepEqual([group.spans, group.failures], [30, 1]);
  assert.ok(pathTo(tree.nodes, 8).includes(rows[1]));
});

test("the row one came for is open, however large the trace", () => {
  const spans = [span("root", undefined, 0, 9000)];
  for (let i = 0; i < 900; i++) {
    spans.push(span(`p${i}`, "root", i * 10, 9), span(`q${i}`, `p${i}`, i * 10, 5));
  }
  const tree = buildTree(spans);
  const focus = spans.findIndex((one) => one.id === "q800");
  const rows = visibleRows(tree, closedAtFirst(tree, focus));
  assert.ok(rows.includes(focus));
});

test("sums go up: failures, tokens and cost of model calls alone", () => {
  const call = { kind: "model", billed: true, input_tokens: 10, output_tokens: 5, cost_usd: 0.5 };
  const agent = { kind: "agent", input_tokens: 10, output_tokens: 5, cost_usd: 0.5 };
  const spans = [span("root", undefined, 0, 9, agent), span("call", "root", 1, 2, call), span("bad", "root", 4, 1, { status: "ERROR" })];
  const { nodes } = buildTree(spans);
  assert.deepEqual([nodes[0].tokens, nodes[0].cost, nodes[0].failures], [15, 0.5, 1]);
  assert.equal(firstFailure(nodes, spans), 2);
});

test("work that failed and was begun again is marked as a try", () => {
  const spans = [span("root", undefined, 0, 9), { ...span("one", "root", 1, 1), name: "GET", status: "ERROR" }, { ...span("two", "root", 3, 1), name: "GET" }];
  const { nodes } = buildTree(spans);
  assert.deepEqual([nodes[1].tries, nodes[2].tries], [1, 2]);
});

test("of parallel children the critical path has the one that was waited for", () => {
  const spans = [span("root", undefined, 0, 100), span("slow", "root", 10, 80, { kind: "model" }), span("quick", "root", 10, 20, { kind: "tool" })];
  const { nodes } = buildTree(spans);
  const waited = waitedFor(criticalPath(nodes, spans), spans);
  assert.deepEqual([waited.models / MS, waited.tools / MS, waited.own / MS], [80, 0, 20]);
});

test("the critical path covers the root exactly, also with children that outlast it", () => {
  const spans = [span("root", undefined, 0, 100), span("a", "root", 5, 30), span("b", "root", 36, 300), span("c", "b", 40, 20)];
  const { nodes } = buildTree(spans);
  const path = criticalPath(nodes, spans).sort((x, y) => x.from - y.from);
  assert.equal(path[0].from, 0);
  for (let i = 1; i < path.length; i++) assert.equal(path[i].from, path[i - 1].to);
});

test("a trace of 100,000 spans in one chain needs no recursion", () => {
  const spans = Array.from({ length: 100_000 }, (_, i) => span(`s${i}`, i ? `s${i - 1}` : undefined, i / 1000, 200));
  const tree = buildTree(spans);
  assert.equal(visibleRows(tree, new Set()).length, 100_000);
  assert.ok(criticalPath(tree.nodes, spans).length > 0);
});
