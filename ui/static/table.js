// @ts-check
/** The list of all traces as typed columns: filter, count, sort, without an object per row. */

/** @typedef {import("./types.js").RawTraces} RawTraces */
/** @typedef {{ dict: (string | null)[], ids: Uint32Array }} Text */
/** @typedef {Record<string, string[]>} Filter values by name, as in the address */

export const FACETS = [
  "status",
  "name",
  "model",
  "error",
  "tag",
  "run",
  "experiment",
  "user",
  "session",
];

export class TraceTable {
  /** @param {RawTraces} raw */
  constructor(raw) {
    this.count = raw.count;
    this.id = raw.id;
    this.input = raw.input;
    this.start = summed(raw.start_ms);
    /** Nanoseconds; NaN while unfinished. */
    this.duration = numbers(raw.duration_us, 1e3);
    this.cost = numbers(raw.cost_usd);
    this.inputTokens = numbers(raw.input_tokens);
    this.outputTokens = numbers(raw.output_tokens);
    this.tokens = this.inputTokens.map((value, i) => added(value, this.outputTokens[i]));
    this.spans = Uint32Array.from(raw.span_count);
    this.errors = Uint32Array.from(raw.error_count);
    this.score = numbers(raw.score);
    this.gone = Uint8Array.from(raw.gone);
    this.block = Uint32Array.from(raw.chunk);
    /** @type {Record<string, Text>} */
    this.texts = {
      status: text(raw.status),
      name: text(raw.name),
      model: text(raw.model),
      error: text(raw.error_type),
      run: text(raw.run),
      experiment: text(raw.experiment),
      user: text(raw.user),
      session: text(raw.session),
    };
    this.tagNames = raw.tags.dict.map((tag) => (tag === null ? "" : `${tag[0]}: ${tag[1]}`));
    this.tagIds = raw.tags.ids;
    this.positions = new Map(this.id.map((id, i) => [id, i]));
  }

  /** @param {string} facet @param {number} row */
  value(facet, row) {
    const column = this.texts[facet];
    return column.dict[column.ids[row]];
  }

  /**
   * The rows that a filter admits, and how many there were for each value of each facet if that
   * facet did not count.
   * @param {Filter} filter
   */
  find(filter) {
    const tests = FACETS.map((facet) => this.#facetTest(facet, filter[facet] ?? []));
    const rest = this.#otherTests(filter);
    const counts = FACETS.map((facet) => new Uint32Array(this.#dictionary(facet).length));
    const rows = new Uint32Array(this.count);
    let found = 0;
    for (let row = 0; row < this.count; row++) {
      if (rest.some((test) => !test(row))) continue;
      let failing = -1;
      let failures = 0;
      for (let f = 0; f < tests.length && failures < 2; f++) {
        const test = tests[f];
        if (test && !test(row)) {
          failures++;
          failing = f;
        }
      }
      if (failures === 0) rows[found++] = row;
      if (failures < 2) this.#tally(counts, row, failures === 0 ? -1 : failing);
    }
    return { rows: rows.subarray(0, found), facets: this.#facets(counts) };
  }

  /** @param {Uint32Array} rows @param {string} sort such as `-dur` */
  sorted(rows, sort) {
    const descending = sort.startsWith("-");
    const key = this.#key(sort.replace("-", ""));
    const sign = descending ? -1 : 1;
    return rows.slice().sort((a, b) => {
      const [x, y] = [key(a), key(b)];
      if (x === y) return a - b;
      if (x !== x) return y !== y ? a - b : 1; // NaN is unknown, and unknown stands last
      if (y !== y) return -1;
      return x < y ? -sign : sign;
    });
  }

  /** @param {string} sort @returns {(row: number) => any} */
  #key(sort) {
    switch (sort) {
      case "dur":
        return (row) => this.duration[row];
      case "tokens":
        return (row) => this.tokens[row];
      case "cost":
        return (row) => this.cost[row];
      case "score":
        return (row) => this.score[row];
      case "name":
        return (row) => this.value("name", row);
      default:
        return (row) => this.start[row];
    }
  }

  /** @param {string} facet */
  #dictionary(facet) {
    return facet === "tag" ? this.tagNames : this.texts[facet].dict;
  }

  /** @param {string} facet @param {string[]} wanted @returns {((row: number) => boolean) | null} */
  #facetTest(facet, wanted) {
    if (!wanted.length) return null;
    const dictionary = this.#dictionary(facet);
    const ids = new Set(wanted.map((value) => dictionary.indexOf(value)));
    if (facet === "tag") return (row) => this.tagIds[row].some((id) => ids.has(id));
    const column = this.texts[facet].ids;
    return (row) => ids.has(column[row]);
  }

  /** @param {Filter} filter @returns {((row: number) => boolean)[]} */
  #otherTests(filter) {
    /** @type {((row: number) => boolean)[]} */
    const tests = [];
    const [from, to, slow] = ["from", "to", "slow"].map((key) => Number(filter[key]?.[0] ?? NaN));
    if (!Number.isNaN(from)) tests.push((row) => this.start[row] >= from);
    if (!Number.isNaN(to)) tests.push((row) => this.start[row] < to);
    if (!Number.isNaN(slow)) tests.push((row) => this.duration[row] >= slow * 1e6);
    const query = filter.q?.[0]?.trim().toLowerCase();
    if (query) tests.push(this.#textTest(query.split(/\s+/)));
    return tests;
  }

  /** Every word must occur somewhere. @param {string[]} words @returns {(row: number) => boolean} */
  #textTest(words) {
    const hits = words.map((word) => {
      const texts = ["name", "model", "error", "user", "session"].map((facet) => {
        const column = this.texts[facet];
        return {
          ids: column.ids,
          has: column.dict.map((value) => !!value?.toLowerCase().includes(word)),
        };
      });
      const tags = this.tagNames.map((tag) => tag.toLowerCase().includes(word));
      return { word, texts, tags };
    });
    return (row) =>
      hits.every(
        ({ word, texts, tags }) =>
          this.input[row].toLowerCase().includes(word) ||
          texts.some(({ ids, has }) => has[ids[row]]) ||
          this.tagIds[row].some((id) => tags[id]) ||
          this.id[row].startsWith(word),
      );
  }

  /** @param {Uint32Array[]} counts @param {number} row @param {number} only one facet, or -1 for all */
  #tally(counts, row, only) {
    for (let f = only < 0 ? 0 : only; f < (only < 0 ? FACETS.length : only + 1); f++) {
      if (FACETS[f] === "tag") for (const id of this.tagIds[row]) counts[f][id]++;
      else counts[f][this.texts[FACETS[f]].ids[row]]++;
    }
  }

  /** @param {Uint32Array[]} counts @returns {Record<string, { value: string, count: number }[]>} */
  #facets(counts) {
    return Object.fromEntries(
      FACETS.map((facet, f) => [
        facet,
        this.#dictionary(facet)
          .map((value, id) => ({ value: value ?? "", count: counts[f][id] }))
          .slice(1)
          .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1)),
      ]),
    );
  }
}

/** @param {number[]} differences */
function summed(differences) {
  const values = new Float64Array(differences.length);
  let sum = 0;
  for (let i = 0; i < values.length; i++) values[i] = sum += differences[i];
  return values;
}

/** @param {(number | null)[]} values @param {number} [unit] */
function numbers(values, unit = 1) {
  return Float64Array.from(values, (value) => (value === null ? NaN : value * unit));
}

/** @param {{ dict: any[], ids: number[] }} column @returns {Text} */
function text(column) {
  return { dict: column.dict, ids: Uint32Array.from(column.ids) };
}

/** The sum of what is known. @param {number} a @param {number} b */
function added(a, b) {
  return Number.isNaN(a) ? b : Number.isNaN(b) ? a : a + b;
}

/** The value below which a share of the known ones lies. @param {ArrayLike<number>} values @param {number} share */
export function quantile(values, share) {
  const known = Float64Array.from(
    Array.from(values).filter((value) => !Number.isNaN(value)),
  ).sort();
  if (!known.length) return NaN;
  return known[Math.min(known.length - 1, Math.floor(known.length * share))];
}
