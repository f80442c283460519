// @ts-check
/**
 * Markdown as people and models write it, to a tree of plain data, and from that to nodes. No HTML
 * is ever made or read: what looks like HTML stays text. Every loop is linear in its line.
 */

import { h, outwardLink, safeUrl } from "./dom.js";

/** @typedef {{ type: string, text?: string, url?: string, level?: number, start?: number, children?: Piece[], rows?: Piece[][][], aligns?: string[] }} Piece */

const DEEPEST = 8;

/** @param {string} text @returns {Piece[]} */
export function parseMarkdown(text) {
  return blocks(text.replaceAll("\r\n", "\n").replaceAll("\t", "    ").split("\n"), 0);
}

/** @param {string} text @returns {HTMLElement} */
export function markdown(text) {
  return h("div.markdown", { dir: "auto" }, parseMarkdown(text).map(rendered));
}

const FENCE = /^ {0,3}(`{3,}|~{3,})([^`]*)$/;
const HEADING = /^ {0,3}(#{1,6})(?: +(.*?))?(?: +#+)? *$/;
const RULE = /^ {0,3}(?:(?:\* *){3,}|(?:- *){3,}|(?:_ *){3,})$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])( +|$)/;
const DIVIDER = /^ *\|?(?: *:?-+:? *\|)+ *(?::?-+:? *)?$|^ *\| *:?-+:? *$/;

/** @param {string[]} lines @param {number} depth @returns {Piece[]} */
function blocks(lines, depth) {
  /** @type {Piece[]} */
  const found = [];
  let i = 0;
  while (i < lines.length) {
    const line = lines[i];
    if (!line.trim()) {
      i++;
      continue;
    }
    const [piece, next] =
      fence(lines, i) ??
      heading(line, i) ??
      rule(line, i) ??
      (depth < DEEPEST ? (quote(lines, i, depth) ?? list(lines, i, depth)) : null) ??
      table(lines, i) ??
      indented(lines, i) ??
      paragraph(lines, i);
    found.push(piece);
    i = next;
  }
  return found;
}

/** @typedef {[Piece, number] | null} Found a piece and the line behind it */

/** @param {string[]} lines @param {number} i @returns {Found} */
function fence(lines, i) {
  const open = FENCE.exec(lines[i]);
  if (!open) return null;
  const indent = lines[i].search(/\S/);
  let end = i + 1;
  const isClose = (/** @type {string} */ line) => {
    const mark = line.trim();
    return (
      mark.length >= open[1].length &&
      [...mark].every((c) => c === open[1][0]) &&
      line.search(/\S/) < 4
    );
  };
  while (end < lines.length && !isClose(lines[end])) end++;
  const body = lines
    .slice(i + 1, end)
    .map((line) => line.slice(Math.min(indent, Math.max(0, line.search(/\S/)))));
  return [{ type: "code", text: body.join("\n") }, end + 1];
}

/** @param {string} line @param {number} i @returns {Found} */
function heading(line, i) {
  const found = HEADING.exec(line);
  if (!found) return null;
  return [{ type: "heading", level: found[1].length, children: inline(found[2] ?? "") }, i + 1];
}

/** @param {string} line @param {number} i @returns {Found} */
function rule(line, i) {
  return RULE.test(line) ? [{ type: "rule" }, i + 1] : null;
}

/** @param {string[]} lines @param {number} i @param {number} depth @returns {Found} */
function quote(lines, i, depth) {
  if (!QUOTE.test(lines[i])) return null;
  let end = i;
  while (
    end < lines.length &&
    lines[end].trim() &&
    (QUOTE.test(lines[end]) || !startsBlock(lines[end]))
  )
    end++;
  const inner = lines.slice(i, end).map((line) => line.replace(QUOTE, ""));
  return [{ type: "quote", children: blocks(inner, depth + 1) }, end];
}

/** @param {string[]} lines @param {number} i @param {number} depth @returns {Found} */
function list(lines, i, depth) {
  const first = ITEM.exec(lines[i]);
  if (!first || RULE.test(lines[i])) return null;
  const mark = first[2].at(-1);
  const isOrdered = /\d/.test(first[2]);
  /** @type {Piece[]} */
  const items = [];
  let at = i;
  while (at < lines.length) {
    const open = ITEM.exec(lines[at]);
    if (!open || open[2].at(-1) !== mark || RULE.test(lines[at])) break;
    const width = open[0].trimEnd().length + (open[3].length > 4 ? 1 : Math.max(1, open[3].length));
    const inner = [lines[at].slice(Math.min(width, lines[at].length))];
    at++;
    while (at < lines.length && belongs(lines, at, width, inner))
      inner.push(outdented(lines[at++], width));
    while (inner.length && !inner.at(-1)?.trim()) inner.pop();
    items.push({ type: "item", children: blocks(inner, depth + 1) });
  }
  const start = isOrdered ? parseInt(first[2], 10) : undefined;
  return [{ type: isOrdered ? "ordered" : "bullets", start, children: items }, at];
}

/** Whether a line still belongs to an item that is indented so far. @param {string[]} lines @param {number} at @param {number} width @param {string[]} inner */
function belongs(lines, at, width, inner) {
  const line = lines[at];
  if (!line.trim()) {
    const next = lines.slice(at, at + 3).find((later) => later.trim());
    return next !== undefined && (indentOf(next) >= width || ITEM.test(next));
  }
  if (indentOf(line) >= width) return true;
  return !startsBlock(line) && !!inner.at(-1)?.trim(); // a lazy line goes on with the paragraph
}

/** @param {string} line @param {number} width */
const outdented = (line, width) =>
  line.slice(0, width).trim() ? line.trimStart() : line.slice(width);

/** @param {string} line */
const indentOf = (line) => (line.trim() ? line.search(/\S/) : 0);

/** @param {string} line */
const startsBlock = (line) =>
  ITEM.test(line) || FENCE.test(line) || HEADING.test(line) || RULE.test(line) || QUOTE.test(line);

/** @param {string[]} lines @param {number} i @returns {Found} */
function table(lines, i) {
  if (!lines[i].includes("|") || i + 1 >= lines.length || !DIVIDER.test(lines[i + 1])) return null;
  const head = cells(lines[i]);
  const marks = cells(lines[i + 1]);
  if (head.length !== marks.length) return null;
  let end = i + 2;
  while (end < lines.length && lines[end].includes("|") && !startsBlock(lines[end])) end++;
  const rows = [head, ...lines.slice(i + 2, end).map(cells)].map((row) =>
    head.map((_, column) => inline(row[column] ?? "")),
  );
  const aligns = marks.map((mark) =>
    mark.endsWith(":") ? (mark.startsWith(":") ? "center" : "end") : "start",
  );
  return [{ type: "table", rows, aligns }, end];
}

/** @param {string} line */
function cells(line) {
  const inner = line
    .trim()
    .replace(/^\|/, "")
    .replace(/(?<!\\)\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

/** @param {string[]} lines @param {number} i @returns {Found} */
function indented(lines, i) {
  if (!lines[i].startsWith("    ")) return null;
  let end = i;
  while (end < lines.length && (lines[end].startsWith("    ") || !lines[end].trim())) end++;
  while (!lines[end - 1].trim()) end--;
  return [
    {
      type: "code",
      text: lines
        .slice(i, end)
        .map((line) => line.slice(4))
        .join("\n"),
    },
    end,
  ];
}

/** @param {string[]} lines @param {number} i @returns {[Piece, number]} */
function paragraph(lines, i) {
  let end = i + 1;
  while (end < lines.length && lines[end].trim() && !startsBlock(lines[end]) && !table(lines, end))
    end++;
  const text = lines
    .slice(i, end)
    .map((line) => line.trim())
    .join("\n");
  return [{ type: "paragraph", children: inline(text) }, end];
}

const TICK = "\x60";
const SPECIAL = /[\\\x60*_~![\n]/g;
const ESCAPED = /^[!-/:-@[-\x60{-~]$/;

/** @param {string} text @param {number} [depth] @returns {Piece[]} */
export function inline(text, depth = 0) {
  /** @type {Piece[]} */
  const pieces = [];
  let plain = "";
  let i = 0;
  const put = (/** @type {Piece} */ piece) => {
    if (plain) pieces.push({ type: "text", text: plain });
    plain = "";
    pieces.push(piece);
  };
  while (i < text.length) {
    SPECIAL.lastIndex = i;
    const next = SPECIAL.exec(text);
    const at = next ? next.index : text.length;
    plain += text.slice(i, at);
    if (!next) break;
    const found = depth < DEEPEST ? special(text, at, depth) : null;
    if (found) {
      if (found[0].type === "text") plain += found[0].text;
      else put(found[0]);
      i = found[1];
    } else {
      plain += text[at];
      i = at + 1;
    }
  }
  if (plain) pieces.push({ type: "text", text: plain });
  return pieces;
}

/** @param {string} text @param {number} at @param {number} depth @returns {Found} */
function special(text, at, depth) {
  switch (text[at]) {
    case "\n":
      return [{ type: "break" }, at + 1];
    case "\\":
      return ESCAPED.test(text[at + 1] ?? "")
        ? [{ type: "text", text: text[at + 1] }, at + 2]
        : null;
    case TICK:
      return code(text, at);
    case "!":
      return text[at + 1] === "[" ? link(text, at + 1, depth, true) : null;
    case "[":
      return link(text, at, depth, false);
    default:
      return emphasis(text, at, depth);
  }
}

/** @param {string} text @param {number} at @returns {Found} */
function code(text, at) {
  const ticks = /^\x60+/.exec(text.slice(at, at + 64))?.[0] ?? TICK;
  let end = at + ticks.length;
  while ((end = text.indexOf(ticks, end)) >= 0) {
    let after = end + ticks.length;
    if (text[after] !== TICK) break;
    while (text[after] === TICK) after++;
    end = after;
  }
  if (end < 0) return [{ type: "text", text: ticks }, at + ticks.length];
  const body = text.slice(at + ticks.length, end).replaceAll("\n", " ");
  const isPadded = body.startsWith(" ") && body.endsWith(" ") && body.trim();
  return [{ type: "inline-code", text: isPadded ? body.slice(1, -1) : body }, end + ticks.length];
}

const MOST_LINK = 2000;

/** @param {string} text @param {number} at of the bracket @param {number} depth @param {boolean} isImage @returns {Found} */
function link(text, at, depth, isImage) {
  const near = text.slice(at, at + MOST_LINK);
  const found =
    /^\[((?:[^[\]\\\n]|\\.|\[[^[\]\n]*\])*)\]\(<?([^\s<>()]*(?:\([^\s<>()]*\)[^\s<>()]*)*)>?(?:\s+"[^"\n]*")?\)/.exec(
      near,
    );
  if (!found) return null;
  const end = at + found[0].length;
  if (isImage) return [{ type: "image", text: found[1], url: found[2] }, end];
  if (!safeUrl(found[2])) return [{ type: "text", text: found[0] }, end];
  return [{ type: "link", url: found[2], children: inline(found[1], depth + 1) }, end];
}

/** @param {string} text @param {number} at @param {number} depth @returns {Found} */
function emphasis(text, at, depth) {
  const mark = text[at];
  let width = 1;
  while (text[at + width] === mark && width < 3) width++;
  if (mark === "~" && width !== 2) return null;
  const before = text[at - 1] ?? " ";
  const isWord = mark === "_" && /[\p{L}\p{N}]/u.test(before);
  if (isWord || /\s/.test(text[at + width] ?? " "))
    return [{ type: "text", text: mark.repeat(width) }, at + width];
  const end = closing(text, at + width, mark, width);
  if (end < 0) return [{ type: "text", text: mark.repeat(width) }, at + width];
  const children = inline(text.slice(at + width, end), depth + 1);
  const type = mark === "~" ? "deleted" : width === 1 ? "emphasis" : "strong";
  /** @type {Piece} */
  const piece =
    width === 3
      ? { type: "emphasis", children: [{ type: "strong", children }] }
      : { type, children };
  return [piece, end + width];
}

/** Where marks of that width close; -1 if nowhere. @param {string} text @param {number} from @param {string} mark @param {number} width */
function closing(text, from, mark, width) {
  const limit = Math.min(text.length, from + MOST_LINK);
  for (let end = from; end < limit; end++) {
    if (text[end] === "\\") end++;
    else if (text[end] === TICK) {
      const close = text.indexOf(TICK, end + 1);
      if (close > 0 && close < limit) end = close;
    } else if (text[end] === mark) {
      let run = 1;
      while (text[end + run] === mark) run++;
      const isAfterSpace = /\s/.test(text[end - 1]);
      const isInWord = mark === "_" && /[\p{L}\p{N}]/u.test(text[end + run] ?? " ");
      if (
        run >= width &&
        (run === width || run === 3 || width === 3) &&
        !isAfterSpace &&
        !isInWord &&
        end > from
      ) {
        return run === 3 && width < 3 ? end + 3 - width : end;
      }
      end += run - 1;
    }
  }
  return -1;
}

/** @type {Record<string, string>} */
const TAGS = {
  paragraph: "p",
  quote: "blockquote",
  bullets: "ul",
  item: "li",
  strong: "strong",
  emphasis: "em",
  deleted: "s",
};

/** @param {Piece} piece @returns {Node | string} */
function rendered(piece) {
  const children = () => (piece.children ?? []).map(rendered);
  switch (piece.type) {
    case "text":
      return piece.text ?? "";
    case "break":
      return h("br");
    case "rule":
      return h("hr");
    case "code":
      return h("pre", { tabindex: 0 }, h("code", null, piece.text));
    case "inline-code":
      return h("code", null, piece.text);
    case "heading":
      return h(`p.heading.level-${piece.level}`, null, h("strong", null, ...children()));
    case "ordered":
      return h("ol", { start: piece.start }, ...children());
    case "item":
      return h("li", null, ...tight(piece));
    case "image":
      return `[image: ${piece.text} · ${piece.url}]`;
    case "link":
      return outwardLink(/** @type {URL} */ (safeUrl(piece.url ?? "")), ...children());
    case "table":
      return renderedTable(piece);
    default:
      return h(TAGS[piece.type], null, ...children());
  }
}

/** An item of one paragraph needs none. @param {Piece} item */
function tight(item) {
  return (item.children ?? []).flatMap((child, i) =>
    child.type === "paragraph" && i === 0
      ? (child.children ?? []).map(rendered)
      : [rendered(child)],
  );
}

/** @param {Piece} piece */
function renderedTable(piece) {
  const [head, ...rows] = piece.rows ?? [];
  const row = (/** @type {string} */ tag, /** @type {Piece[][]} */ cells) =>
    h(
      "tr",
      null,
      cells.map((cell, i) => h(`${tag}.align-${piece.aligns?.[i]}`, null, cell.map(rendered))),
    );
  return h(
    "div.scroll",
    { tabindex: 0, role: "region", "aria-label": "Table" },
    h(
      "table",
      null,
      h("thead", null, row("th", head)),
      h(
        "tbody",
        null,
        rows.map((cells) => row("td", cells)),
      ),
    ),
  );
}
