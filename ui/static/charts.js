// @ts-check
/** Charts as SVG: bars over time, lines. Each says in a sentence what it shows. */

import { h, s } from "./dom.js";

/** @typedef {{ name: string, points: [number, number][], dash?: string, className: string }} Line */
/** @typedef {{ from: number, to: number, parts: [number, string][], title: string, href: string }} Bar */

const LEFT = 46;
const TOP = 8;
const BOTTOM = 20;

/** No wider than the window, so that its letters stay as large. @param {number} width */
const fitting = (width) => Math.min(width, Math.max(260, innerWidth - 60));

/** Round numbers from one to another. @param {number} from @param {number} to @param {number} most */
export function ticks(from, to, most) {
  if (!(to > from)) return [from];
  const rough = (to - from) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) =>
    Number(((first + i) * step).toPrecision(12)),
  );
}

/** @param {number} a @param {number} b @param {number} from @param {number} to */
const scale = (a, b, from, to) => (/** @type {number} */ x) =>
  from + ((x - a) / (b - a || 1)) * (to - from);

/**
 * Lines with a label at their end.
 * @param {Object} options
 * @param {string} options.label what it shows, as a sentence
 * @param {Line[]} options.lines
 * @param {(value: number) => string} options.x
 * @param {(value: number) => string} options.y
 * @param {boolean} [options.zero] the axis begins at zero
 * @param {boolean} [options.round] marks of x at round numbers
 * @param {number} [options.width]
 * @param {number} [options.height]
 */
export function lineChart({
  label,
  lines,
  x,
  y,
  zero = false,
  round = false,
  width: most = 420,
  height = 150,
}) {
  const width = fitting(most);
  const all = lines.flatMap((line) => line.points).filter(([, value]) => Number.isFinite(value));
  if (!all.length) return h("p.muted", null, "No number to draw: all values are NaN or infinite.");
  const [x0, x1] = extent(all.map(([at]) => at));
  const [low, high] = extent(all.map(([, value]) => value));
  const marks = ticks(
    zero ? Math.min(0, low) : low,
    high === low ? high + (Math.abs(high) || 1) : high,
    4,
  );
  const y0 = Math.min(zero ? 0 : low, ...marks);
  const y1 = Math.max(high, ...marks);
  const right = width - (lines.some((line) => line.name) ? 44 : 8);
  const toX = scale(x0, x1, LEFT, right);
  const toY = scale(y0, y1, height - BOTTOM, TOP);
  const labels = spread(
    lines.map((line) =>
      toY(line.points.findLast(([, value]) => Number.isFinite(value))?.[1] ?? y0),
    ),
    12,
  );
  return s(
    "svg.chart",
    { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label },
    marks.map((mark) => grid(toY(mark), y(mark), right)),
    round
      ? ticks(x0, x1, 5).map((at) => s("text.at-middle", { x: toX(at), y: height - 5 }, x(at)))
      : axisLabels(x0, x1, toX, x, height, right),
    lines.map((line, i) => [
      linePath(line, toX, toY),
      line.name ? s("text", { x: right + 4, y: labels[i] + 4 }, line.name) : null,
    ]),
  );
}

/** @param {Line} line @param {(x: number) => number} toX @param {(y: number) => number} toY */
function linePath(line, toX, toY) {
  let path = "";
  let isOpen = false;
  /** @type {[number, number][]} */
  const lonely = [];
  line.points.forEach(([at, value], i) => {
    if (!Number.isFinite(value)) {
      isOpen = false;
      return;
    }
    path += `${isOpen ? "L" : "M"}${toX(at).toFixed(1)} ${toY(value).toFixed(1)}`;
    if (!isOpen && !Number.isFinite(line.points[i + 1]?.[1] ?? NaN))
      lonely.push([toX(at), toY(value)]);
    isOpen = true;
  });
  return [
    s("path", { d: path, class: `line ${line.className}`, "stroke-dasharray": line.dash }),
    lonely.map(([cx, cy]) => s("circle", { cx, cy, r: 2.5, class: `dot ${line.className}` })),
  ];
}

/**
 * Stacked bars over time; each leads to its rows.
 * @param {Object} options
 * @param {string} options.label
 * @param {Bar[]} options.bars
 * @param {(value: number) => string} options.x
 * @param {(value: number) => string} options.y
 * @param {number} [options.width]
 * @param {number} [options.height]
 */
export function barChart({ label, bars, x, y, width: widest = 860, height = 170 }) {
  const width = fitting(widest);
  const most = Math.max(
    1,
    ...bars.map((bar) => bar.parts.reduce((sum, [value]) => sum + value, 0)),
  );
  const marks = ticks(0, most, 3).filter((mark) => Number.isInteger(mark));
  const right = width - 8;
  const [x0, x1] = [bars[0]?.from ?? 0, bars.at(-1)?.to ?? 1];
  const toX = scale(x0, x1, LEFT, right);
  const toY = scale(0, Math.max(most, ...marks), height - BOTTOM, TOP);
  return s(
    "svg.chart",
    { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": label },
    marks.map((mark) => grid(toY(mark), y(mark), right)),
    axisLabels(x0, x1, toX, x, height, right),
    bars.map((bar) => oneBar(bar, toX, toY)),
  );
}

/** @param {Bar} bar @param {(x: number) => number} toX @param {(y: number) => number} toY */
function oneBar(bar, toX, toY) {
  const wide = Math.max(1, toX(bar.to) - toX(bar.from) - 2);
  let below = 0;
  const parts = bar.parts
    .filter(([value]) => value > 0)
    .map(([value, className]) => {
      const top = toY(below + value);
      const rect = s("rect", {
        x: toX(bar.from) + 1,
        y: top,
        width: wide,
        height: Math.max(1, toY(below) - top),
        class: className,
      });
      below += value;
      return rect;
    });
  if (!parts.length) return null;
  return s("a", { href: bar.href, "aria-label": bar.title }, s("title", null, bar.title), parts);
}

/** @param {number} y @param {string} text @param {number} right */
function grid(y, text, right) {
  return [
    s("line.grid", { x1: LEFT, x2: right, y1: y, y2: y }),
    s("text.at-end", { x: LEFT - 6, y: y + 4 }, text),
  ];
}

/** First and last, and what fits between. @param {number} x0 @param {number} x1 @param {(x: number) => number} toX @param {(value: number) => string} name @param {number} height @param {number} right */
function axisLabels(x0, x1, toX, name, height, right) {
  const places = x1 > x0 ? [0, 1 / 3, 2 / 3, 1].map((share) => x0 + (x1 - x0) * share) : [x0];
  return places.map((at, i) =>
    s(
      `text${i === 0 ? "" : i === places.length - 1 ? ".at-end" : ".at-middle"}`,
      { x: Math.min(right, toX(at)), y: height - 5 },
      name(at),
    ),
  );
}

/** Least and most. @param {number[]} values */
function extent(values) {
  return [
    values.reduce((a, b) => Math.min(a, b), Infinity),
    values.reduce((a, b) => Math.max(a, b), -Infinity),
  ];
}

/** Labels moved apart. @param {number[]} places @param {number} gap */
function spread(places, gap) {
  const order = places.map((_, i) => i).sort((a, b) => places[a] - places[b]);
  const moved = [...places];
  for (let k = 1; k < order.length; k++) {
    moved[order[k]] = Math.max(moved[order[k]], moved[order[k - 1]] + gap);
  }
  return moved;
}
