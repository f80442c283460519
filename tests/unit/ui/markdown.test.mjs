import assert from "node:assert/strict";
import test from "node:test";
import { inline, parseMarkdown } from "../../../ui/static/markdown.js";

/** Pieces as nested text, to be read at a glance. */
const shape = (pieces) => pieces.map((piece) => {
  const inner = piece.rows ? piece.rows.map((row) => row.map(shape).join(" | ")).join(" / ")
    : piece.children ? shape(piece.children) : (piece.text ?? "");
  return piece.type === "text" ? inner : `<${piece.type}${piece.level ?? ""}${piece.start ?? ""}${piece.url ? " " + piece.url : ""}:${inner}>`;
}).join("");

const cases = [
  ["a **b** *c* ~~d~~ `e*f*`", "<paragraph:a <strong:b> <emphasis:c> <deleted:d> <inline-code:e*f*>>"],
  ["***both***", "<paragraph:<emphasis:<strong:both>>>"],
  ["one\ntwo\n\nthree", "<paragraph:one<break:>two><paragraph:three>"],
  ["# Head #\ntext", "<heading1:Head><paragraph:text>"],
  ["- a\n- b\n  - c\n\n  more", "<bullets:<item:<paragraph:a>><item:<paragraph:b><bullets:<item:<paragraph:c>>><paragraph:more>>>"],
  ["3. a\n4. b", "<ordered3:<item:<paragraph:a>><item:<paragraph:b>>>"],
  ["```js\nlet a = '<b>';\n```\nafter", "<code:let a = '<b>';><paragraph:after>"],
  ["```\nnever closed", "<code:never closed>"],
  ["    indented", "<code:indented>"],
  ["> a\n> - b\n\nc", "<quote:<paragraph:a><bullets:<item:<paragraph:b>>>><paragraph:c>"],
  ["a\n\n---\n\nb", "<paragraph:a><rule:><paragraph:b>"],
  ["| a | b |\n|---|--:|\n| 1 | x\\|y |", "<table:a | b / 1 | x|y>"],
  ["[a *b*](https://example.com/x_(y))", "<paragraph:<link https://example.com/x_(y):a <emphasis:b>>>"],
  ["![alt](https://example.com/i.png)", "<paragraph:<image https://example.com/i.png:alt>>"],
  ["snake_case_name and 2*3*4 and 5 * 6", "<paragraph:snake_case_name and 2<emphasis:3>4 and 5 * 6>"],
  ["\\*not\\* <b>html</b> &amp;", "<paragraph:*not* <b>html</b> &amp;>"],
  ["**open and `a ** b`", "<paragraph:**open and <inline-code:a ** b>>"],
];
for (const [text, expected] of cases) {
  test(`markdown: ${JSON.stringify(text)}`, () => assert.equal(shape(parseMarkdown(text)), expected));
}

test("no text is lost, whatever it is", () => {
  const letters = (text) => text.replace(/[^a-z]/g, "");
  const told = (pieces) => pieces.map((p) => (p.text ?? "") + (p.url && p.type === "image" ? p.url : "")
    + told(p.children ?? []) + (p.rows ?? []).flat().map(told).join("")).join("");
  let seed = 7;
  const random = (n) => (seed = (seed * 1103515245 + 12345) % 2147483648) % n;
  const bits = ["a", "b c", "*", "**", "_", "`", "[", "](", ")", "!", "\\", "\n", "\n\n", "- ", "> ", "# ", "1. ", "~~", "|", "    "];
  for (let round = 0; round < 3000; round++) {
    const text = Array.from({ length: 12 }, () => bits[random(bits.length)]).join("");
    assert.equal(letters(told(parseMarkdown(text))), letters(text), JSON.stringify(text));
  }
});

test("hostile text takes no longer than plain text", () => {
  for (const bit of ["*a ", "[", "[a](", "`", "`` ` ", "> ", "- ", "**", "_a_", "|", "\\", "![", "~~", "1. ", "\n\n- ", "#"]) {
    const begun = performance.now();
    parseMarkdown(bit.repeat(60_000 / bit.length));
    const took = performance.now() - begun;
    assert.ok(took < 4000, `${JSON.stringify(bit)} took ${Math.round(took)} ms`);
  }
});

test("nesting ends somewhere", () => {
  parseMarkdown("> ".repeat(5000) + "x");
  inline("[".repeat(5000) + "x" + "](https://e.example)".repeat(5000));
});
