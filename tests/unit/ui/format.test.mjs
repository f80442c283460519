import assert from "node:assert/strict";
import test from "node:test";
import { age, bytes, cost, costDigits, duration, metric, percent, tokens } from "../../../ui/static/format.js";

test("durations have three digits and their unit", () => {
  const cases = [[null, "–"], [0, "0 ms"], [400, "<1 µs"], [1500, "1.50 µs"], [408e6, "408 ms"], [3.25e9, "3.25 s"],
    [12.44e9, "12.4 s"], [59.97e9, "1 min 0 s"], [460e9, "7 min 40 s"], [7_260e9, "2 h 1 min"], [999.6e6, "1.00 s"], [-5e6, "−5.00 ms"]];
  for (const [ns, text] of cases) assert.equal(duration(ns), text);
});

test("an unknown price is a dash and a small one is never zero", () => {
  const cases = [[null, "–"], [NaN, "–"], [0, "$0"], [0.0000004, "<$0.0001"], [0.0072, "$0.0072"], [8.69, "$8.69"], [12345.6, "$12,345.60"]];
  for (const [usd, text] of cases) assert.equal(cost(usd), text);
});

test("a column of costs has one format", () => {
  const values = [0.029, 0.0024, 0.5];
  const digits = costDigits(values);
  assert.deepEqual(values.map((usd) => cost(usd, digits)), ["$0.0290", "$0.0024", "$0.5000"]);
});

test("tokens are exact to 9,999", () => {
  const cases = [[9999, "9,999"], [12_460, "12.5 k"], [434_000, "434 k"], [6_170_000, "6.17 M"], [undefined, "–"]];
  for (const [value, text] of cases) assert.equal(tokens(value), text);
});

test("metrics keep NaN, infinity, the very small and the very large", () => {
  const cases = [["NaN", "NaN"], ["Infinity", "∞"], ["-Infinity", "−∞"], [0.84882, "0.8488"], [-0.5, "−0.5"], [3, "3"], [1234567.4, "1,234,567"], [1.5e-7, "1.500e-7".replace("-", "−")], [null, "–"]];
  for (const [value, text] of cases) assert.equal(metric(value), text);
});

test("shares, sizes and ages", () => {
  assert.deepEqual([percent(0.042, 1), percent(0.0001), percent(NaN)], ["4.2 %", "<1 %", "–"]);
  assert.deepEqual([bytes(900), bytes(48_213), bytes(1_204_113)], ["900 B", "48.2 kB", "1.2 MB"]);
  assert.deepEqual([age(0, 900), age(0, 30_000), age(0, 3_600_000 * 5), age(0, 86_400_000 * 9)], ["now", "30 s", "5 h", "9 d"]);
});
