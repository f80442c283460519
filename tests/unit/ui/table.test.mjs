import assert from "node:assert/strict";
import test from "node:test";
import { TraceTable } from "../../../ui/static/table.js";
import { address, parseRoute } from "../../../ui/static/route.js";

const coded = (values) => {
  const dict = [null, ...new Set(values.filter((value) => value !== null))];
  return { dict, ids: values.map((value) => dict.indexOf(value)) };
};
const table = () => new TraceTable({
  count: 4, id: ["a", "b", "c", "d"], input: ["Where is my tent?", "Refund", "tent", "boots"], start_ms: [1000, -100, -100, -100],
  duration_us: [3000, null, 1000, 2000], cost_usd: [0.1, null, 0.3, 0.2], gone: [0, 1, 0, 0],
  input_tokens: [10, null, 30, 20], output_tokens: [1, null, null, 2], span_count: [1, 1, 1, 1], error_count: [0, 0, 1, 0],
  score: [null, null, 0.5, 1], chunk: [0, 0, 0, 0],
  name: coded(["agent", "agent", "chain", "chain"]), status: coded(["OK", "UNFINISHED", "ERROR", "OK"]), model: coded(["m", null, "m", "n"]),
  error_type: coded([null, null, "E", null]), session: coded([null, null, null, null]), user: coded([null, null, null, null]),
  run: coded([null, "r", "r", null]), experiment: coded(["x", "x", "x", "x"]),
  tags: { dict: [null, ["__proto__", "1"], ["k", "v"]], ids: [[1], [1, 2], [], [2]] },
});
const ids = (t, rows) => [...rows].map((row) => t.id[row]);

test("values of one facet add, facets narrow", () => {
  const t = table();
  assert.deepEqual(ids(t, t.find({ status: ["OK", "ERROR"] }).rows), ["a", "c", "d"]);
  assert.deepEqual(ids(t, t.find({ status: ["OK", "ERROR"], name: ["chain"] }).rows), ["c", "d"]);
  assert.deepEqual(ids(t, t.find({ tag: ["__proto__: 1"] }).rows), ["a", "b"]);
  assert.deepEqual(ids(t, t.find({ status: ["no such"] }).rows), []);
});

test("a facet counts what it would find if it did not count itself", () => {
  const t = table();
  const { facets } = t.find({ status: ["OK"], name: ["chain"] });
  assert.deepEqual(Object.fromEntries(facets.status.map((one) => [one.value, one.count])), { OK: 1, ERROR: 1, UNFINISHED: 0 });
  assert.deepEqual(Object.fromEntries(facets.name.map((one) => [one.value, one.count])), { agent: 1, chain: 1 });
});

test("each word of a text must occur, in whatever column", () => {
  const t = table();
  assert.deepEqual(ids(t, t.find({ q: ["TENT agent"] }).rows), ["a"]);
  assert.deepEqual(ids(t, t.find({ q: ["v"] }).rows), ["b", "d"]);
});

test("unknown values stand last in both directions", () => {
  const t = table();
  const all = t.find({}).rows;
  assert.deepEqual(ids(t, t.sorted(all, "-dur")), ["a", "d", "c", "b"]);
  assert.deepEqual(ids(t, t.sorted(all, "dur")), ["c", "d", "a", "b"]);
  assert.deepEqual(ids(t, t.sorted(all, "-start")), ["a", "b", "c", "d"]);
});

test("tokens are the sum of what is known", () => {
  assert.deepEqual([...table().tokens], [11, NaN, 30, 22]);
});

test("an address gives back what was put in", () => {
  const hash = address("trace", ["a/b?#%", "ü"], { w: "cost", tag: ["a: b", "c&d"], none: null });
  const route = parseRoute(hash);
  assert.deepEqual([route.page, route.ids], ["trace", ["a/b?#%", "ü"]]);
  assert.deepEqual([route.state.get("w"), route.state.getAll("tag"), route.state.has("none")], ["cost", ["a: b", "c&d"], false]);
  assert.equal(parseRoute("#/trace/%E0%A4%A").ids[0], "%E0%A4%A");
  assert.equal(parseRoute("").page, "overview");
});
