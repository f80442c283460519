// @ts-check
/**
 * Numbers as people read them. One fixed locale, so that a screenshot means the same anywhere.
 * The terminal follows the same rules; `tests/number_formats.json` tests both.
 */

export const UNKNOWN = "–";

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** @param {number} value @param {number} digits after the point */
const fixed = (value, digits) =>
  new Intl.NumberFormat("en", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(value);

/** With a minus sign instead of a hyphen. @param {string} text */
const signed = (text) => text.replaceAll("-", "−");

/** @param {number} value */
export const count = (value) => signed(whole.format(value));

/**
 * Three significant digits and a unit.
 * @param {number | null | undefined} ns
 * @returns {string}
 */
export function duration(ns) {
  if (ns === null || ns === undefined || Number.isNaN(ns)) return UNKNOWN;
  if (ns < 0) return "−" + duration(-ns);
  if (ns === 0) return "0 ms";
  if (ns < 1e3) return "<1 µs";
  const ms = ns / 1e6;
  if (ms < 0.9995) return `${significant(ms * 1e3)} µs`;
  if (ms < 999.5) return `${significant(ms)} ms`;
  if (ms < 59_950) return `${significant(ms / 1e3)} s`;
  const seconds = Math.round(ms / 1e3);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.round(seconds / 60);
  return `${count(Math.floor(minutes / 60))} h ${minutes % 60} min`;
}

/** @param {number} value from 0.9995 up */
function significant(value) {
  return fixed(value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
}

/** Exact to 9,999. @param {number | null | undefined} value */
export function tokens(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return UNKNOWN;
  if (value < 10_000) return count(value);
  if (value < 999_500) return `${fixed(value / 1e3, value < 99_950 ? 1 : 0)} k`;
  return `${fixed(value / 1e6, 2)} M`;
}

/**
 * US dollars. An unknown price is a dash, never zero.
 * @param {number | null | undefined} usd
 * @param {number} [digits] For a column, so that all its cells have as many.
 */
export function cost(usd, digits) {
  if (usd === null || usd === undefined || Number.isNaN(usd)) return UNKNOWN;
  if (usd === 0) return "$0";
  const places = digits ?? (usd < 0.1 ? 4 : 2);
  const least = 10 ** -places;
  return usd < least / 2 ? `<$${fixed(least, places)}` : `$${fixed(usd, places)}`;
}

/** Digits after the point that suit a whole column of costs. @param {Iterable<number>} values */
export function costDigits(values) {
  const known = [...values].filter((value) => value > 0).sort((a, b) => a - b);
  const middle = known[known.length >> 1] ?? 0;
  return middle < 0.1 ? 4 : 2;
}

/** @param {number} share from 0 to 1 @param {number} [digits] */
export function percent(share, digits = 0) {
  if (!Number.isFinite(share)) return UNKNOWN;
  const least = 10 ** -digits;
  if (share > 0 && share * 100 < least / 2) return `<${least} %`;
  return `${signed(fixed(share * 100, digits))} %`;
}

/** A metric or score: four significant digits. @param {number | string | null | undefined} value */
export function metric(value) {
  if (value === null || value === undefined) return UNKNOWN;
  const number = Number(value);
  if (Number.isNaN(number)) return "NaN";
  if (!Number.isFinite(number)) return number > 0 ? "∞" : "−∞";
  const size = Math.abs(number);
  if (size !== 0 && (size < 1e-4 || size >= 1e9)) {
    return signed(number.toExponential(3).replace("e+", "e"));
  }
  if (Number.isInteger(number)) return count(number);
  return signed(
    new Intl.NumberFormat("en", {
      maximumSignificantDigits: Math.max(4, String(Math.trunc(size)).length),
    }).format(number),
  );
}

/** Three significant digits. @param {number | null | undefined} value */
export function bytes(value) {
  if (value === null || value === undefined) return UNKNOWN;
  if (value < 1000) return `${value} B`;
  if (value < 999.5e3) return `${significant(value / 1e3)} kB`;
  if (value < 999.5e6) return `${significant(value / 1e6)} MB`;
  return `${significant(value / 1e9)} GB`;
}

/** Relative, for lists. @param {number} ms @param {number} nowMs when the report was written */
export function age(ms, nowMs) {
  const seconds = Math.floor((nowMs - ms) / 1000);
  if (seconds < 1) return "now";
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h`;
  return `${count(Math.floor(minutes / 1440))} d`;
}

/** Absolute, with its zone. @param {number} ms */
export function moment(ms) {
  if (!Number.isFinite(ms)) return UNKNOWN;
  return new Date(ms).toISOString().replace("T", " ").slice(0, 19) + " UTC";
}

/** @param {number} n @param {string} one @param {string} [many] */
export function plural(n, one, many = one + "s") {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** @param {string} text */
export const words = (text) => (text.match(/\S+/g) ?? []).length;
