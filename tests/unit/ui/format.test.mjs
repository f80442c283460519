import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { age, bytes, cost, costDigits, duration, metric, percent, tokens } from "../../../ui/static/format.js";

/** Shared with the terminal. JSON has no NaN and no infinity: they are texts there. */
const table = JSON.parse(readFileSync(new URL("../../number_formats.json", import.meta.url), "utf8"));
const column = (values) => {
  const digits = costDigits(values);
  return values.map((usd) => cost(usd, digits));
};
const formats = { duration, tokens, cost, metric, size: bytes, age: (ms) => age(0, ms), cost_column: column };

for (const [name, cases] of Object.entries(table)) {
  test(`${name} is written as in the table that the terminal has too`, () => {
    for (const [value, text] of cases) {
      const given = typeof value === "string" ? Number(value) : value;
      assert.deepEqual(formats[name](given), text, `${value}`);
    }
  });
}

test("what is not there is a dash", () => {
  assert.deepEqual([duration(undefined), tokens(undefined), cost(undefined), metric(undefined), bytes(undefined)], Array(5).fill("–"));
});

test("a metric that JSON could not hold comes as text", () => {
  assert.deepEqual([metric("NaN"), metric("-Infinity")], ["NaN", "−∞"]);
});

test("a share is never zero when there is some", () => {
  assert.deepEqual([percent(0.042, 1), percent(0.0001), percent(NaN)], ["4.2 %", "<1 %", "–"]);
});
