// @ts-check
/** The list of traces: text filter, facets with counts, sort, virtual rows. */

import { fill, h, statusIcon, visible } from "./dom.js";
import { columnsOf } from "./columns.js";
import { costDigits, count, duration, moment, plural } from "./format.js";
import { address, replaceAddress } from "./route.js";
import { VirtualRows } from "./rows.js";
import { FACETS, quantile } from "./table.js";
import { teach } from "./empty.js";

/** @typedef {import("./table.js").TraceTable} TraceTable */
/** @typedef {import("./table.js").Filter} Filter */
/** @typedef {import("./report.js").Report} Report */
/** @typedef {import("./report.js").Page} Page */
/** @typedef {import("./route.js").Route} Route */

const SHOWN_VALUES = 8;
/** @type {Record<string, string>} */
const FACET_NAMES = {
  status: "Status",
  name: "Name",
  model: "Model",
  error: "Error",
  tag: "Tag",
  run: "Run",
  experiment: "Experiment",
  user: "User",
  session: "Session",
};
/** @type {Record<string, (value: string) => string>} */
const EXTRA_NAMES = {
  q: (value) => `text “${value}”`,
  from: (value) => `since ${moment(Number(value))}`,
  to: (value) => `before ${moment(Number(value))}`,
  slow: (value) => `took at least ${duration(Number(value) * 1e6)}`,
};

/** @param {Report} report @param {Route} route @returns {Page} */
export function tracesPage(report, route) {
  if (!report.table.count) return { title: "Traces", element: teach(report) };
  const list = new TraceList(report, route.state);
  return {
    title: "Traces",
    element: list.element,
    shown: () => list.shown(),
    keys: list.keys,
    search: list.search,
  };
}

/** The filter that an address holds. @param {URLSearchParams} state @returns {Filter} */
function filterOf(state) {
  /** @type {Filter} */
  const filter = {};
  for (const key of [...FACETS, ...Object.keys(EXTRA_NAMES)]) {
    const values = state.getAll(key);
    if (values.length) filter[key] = values;
  }
  return filter;
}

class TraceList {
  /** @param {Report} report @param {URLSearchParams} state */
  constructor(report, state) {
    this.report = report;
    this.table = report.table;
    this.filter = filterOf(state);
    this.sort = state.get("sort") ?? "-start";
    this.rows = new Uint32Array(0);
    this.digits = 4;
    this.longest = 1;
    this.slow = Infinity;
    this.selected = 0;
    this.columns = columnsOf(report);
    this.search = h("input.field", {
      type: "search",
      value: this.filter.q?.[0] ?? "",
      "aria-label": "Filter traces by text",
      placeholder: "Filter by input, name, model, error, tag, user, id",
      on: { input: () => this.#set("q", this.search.value ? [this.search.value] : []) },
    });
    this.counter = h("span.muted", { role: "status", "aria-live": "polite" });
    this.chips = h("div.chips");
    this.facets = h("div.facet-list");
    this.head = h("div.list-head");
    this.host = h("div.rows", {
      role: "listbox",
      tabindex: 0,
      "aria-label": "Traces",
      on: { keydown: (/** @type {KeyboardEvent} */ e) => this.#key(e) },
    });
    this.nothing = h("div.nothing", { hidden: true });
    this.virtual = new VirtualRows(this.host, 32, () => this.#makeRow());
    const narrow = matchMedia("(max-width: 900px)").matches;
    this.element = h(
      "div.traces",
      null,
      h("details.facets", { open: !narrow }, h("summary", null, "Filters"), this.facets),
      h(
        "div.list",
        { css: this.#templates() },
        h("div.toolbar", null, this.search, this.counter, this.chips),
        this.head,
        this.nothing,
        this.host,
      ),
    );
    /** @type {Record<string, () => void>} */
    this.keys = {
      j: () => this.#move(1),
      k: () => this.#move(-1),
      ArrowDown: () => this.#move(1),
      ArrowUp: () => this.#move(-1),
      Enter: () => this.#open(),
    };
    this.#find();
  }

  /** Where the reader was. */
  shown() {
    const before = this.report.places.get("trace");
    const position = before ? this.rows.indexOf(this.table.positions.get(before) ?? -1) : -1;
    this.selected = Math.max(0, position);
    this.virtual.reset(this.rows.length);
    const scroll = Number(this.report.places.get("scroll") ?? 0);
    if (position >= 0) this.host.scrollTop = scroll;
    this.virtual.reveal(this.selected);
    this.host.addEventListener(
      "scroll",
      () => this.report.places.set("scroll", String(this.host.scrollTop)),
      { passive: true },
    );
    if (position >= 0) this.host.focus({ preventScroll: true });
  }

  /** Widths of the columns, for pages that hide some of them. */
  #templates() {
    const without = (/** @type {string[]} */ ...hidden) =>
      this.columns
        .filter((column) => !hidden.some((name) => column.class?.split(" ").includes(name)))
        .map((column) => column.width)
        .join(" ");
    return {
      "--all": without(),
      "--most": without("widest"),
      "--some": without("widest", "wider"),
    };
  }

  #find() {
    const { rows, facets } = this.table.find(this.filter);
    this.rows = this.table.sorted(rows, this.sort);
    this.report.inOrder = this.rows;
    this.digits = costDigits(sample(this.rows, this.table.cost));
    this.longest = quantile(sample(this.rows, this.table.duration), 0.98) || 1;
    this.slow =
      this.rows.length > 20 ? quantile(sample(this.rows, this.table.duration), 0.97) : Infinity;
    const all = this.table.count;
    this.counter.textContent =
      this.rows.length === all
        ? plural(all, "trace")
        : `${count(this.rows.length)} of ${plural(all, "trace")}`;
    this.#drawChips();
    this.#drawFacets(facets);
    this.#drawHead();
    this.#drawNothing();
    this.virtual.reset(this.rows.length);
  }

  /** @param {string} key @param {string[]} values */
  #set(key, values) {
    const filter = { ...this.filter, [key]: values };
    if (!values.length) delete filter[key];
    this.filter = filter;
    if (key === "q") this.search.value = values[0] ?? "";
    this.#changed();
  }

  #changed() {
    this.selected = 0;
    this.host.scrollTop = 0;
    const hash = address("traces", [], {
      ...this.filter,
      sort: this.sort === "-start" ? null : this.sort,
    });
    replaceAddress(hash);
    this.report.listAddress = hash;
    this.#find();
  }

  #drawChips() {
    fill(
      this.chips,
      Object.entries(this.filter)
        .filter(([key]) => key !== "q")
        .flatMap(([key, values]) =>
          values.map((value) => {
            const text =
              EXTRA_NAMES[key]?.(value) ?? `${FACET_NAMES[key]}: ${this.#label(key, value)}`;
            return h(
              "button.chip",
              {
                type: "button",
                "aria-label": `Remove the filter ${text}`,
                on: {
                  click: () =>
                    this.#set(
                      key,
                      values.filter((other) => other !== value),
                    ),
                },
              },
              visible(text),
              h("span", { "aria-hidden": "true" }, " ×"),
            );
          }),
        ),
    );
  }

  /** @param {string} facet @param {string} value */
  #label(facet, value) {
    if (facet === "run") return this.report.runs.get(value)?.name ?? value;
    return facet === "status" ? value.toLowerCase() : value;
  }

  /** @param {Record<string, { value: string, count: number }[]>} facets */
  #drawFacets(facets) {
    const focused = document.activeElement?.getAttribute("data-key");
    fill(
      this.facets,
      FACETS.map((facet) => this.#facet(facet, facets[facet])),
    );
    if (focused) {
      const again = [...this.facets.querySelectorAll("[data-key]")].find(
        (e) => e.getAttribute("data-key") === focused,
      );
      /** @type {HTMLElement | undefined} */ (again)?.focus();
    }
  }

  /** @param {string} facet @param {{ value: string, count: number }[]} values */
  #facet(facet, values) {
    const chosen = new Set(this.filter[facet] ?? []);
    if (values.length < 2 && !chosen.size && facet !== "status") return null;
    const most = Math.max(1, ...values.map((value) => value.count));
    const isOpen = this.report.openFacets.has(facet);
    const listed = values.filter(
      (value, i) => isOpen || i < SHOWN_VALUES || chosen.has(value.value),
    );
    const toggle = (/** @type {string} */ value) => {
      const next = chosen.has(value)
        ? [...chosen].filter((other) => other !== value)
        : [...chosen, value];
      this.#set(facet, next);
    };
    return h(
      "fieldset.facet",
      null,
      h("legend", null, FACET_NAMES[facet]),
      listed.map(({ value, count: n }) =>
        h(
          "label",
          { title: visible(this.#label(facet, value)) },
          h("input", {
            type: "checkbox",
            checked: chosen.has(value),
            "data-key": `${facet} ${value}`,
            on: { change: () => toggle(value) },
          }),
          facet === "status"
            ? h("span.line-up", { "aria-hidden": "true" }, statusIcon(value))
            : null,
          h("span.ellipsis", null, visible(this.#label(facet, value)) || "(empty)"),
          h("span.facet-count", null, count(n)),
          h("span.facet-bar", { css: { width: `${(n / most) * 100}%` } }),
        ),
      ),
      values.length > listed.length
        ? h(
            "button.link",
            {
              type: "button",
              on: {
                click: () => {
                  this.report.openFacets.add(facet);
                  this.#drawFacets(this.table.find(this.filter).facets);
                },
              },
            },
            `all ${count(values.length)}`,
          )
        : null,
    );
  }

  #drawHead() {
    fill(
      this.head,
      this.columns.map((column) => {
        if (!column.sort) return h("span", { class: column.class }, column.label);
        const direction =
          this.sort === column.sort ? " ↑" : this.sort === "-" + column.sort ? " ↓" : "";
        return h(
          "button",
          {
            type: "button",
            class: column.class,
            "aria-pressed": String(direction !== ""),
            "aria-label": `Sort by ${column.label}${direction === " ↓" ? ", now falling" : direction ? ", now rising" : ""}`,
            on: { click: () => this.#sortBy(/** @type {string} */ (column.sort)) },
          },
          column.label + direction,
        );
      }),
    );
  }

  /** @param {string} key */
  #sortBy(key) {
    this.sort = this.sort === "-" + key ? key : "-" + key;
    this.#changed();
  }

  #drawNothing() {
    const isEmpty = this.rows.length === 0;
    this.nothing.hidden = !isEmpty;
    this.host.hidden = isEmpty;
    if (!isEmpty) return;
    const faults = Object.keys(this.filter).filter((key) => {
      const { [key]: _, ...rest } = this.filter;
      return this.table.find(rest).rows.length > 0;
    });
    fill(
      this.nothing,
      h("p.strong", null, "No trace passes this filter."),
      h(
        "p.muted",
        null,
        faults.length ? "Without one of these there would be some:" : "Clear it to see all again.",
      ),
      faults.map((key) =>
        h(
          "button.button",
          { type: "button", on: { click: () => this.#set(key, []) } },
          `Without ${FACET_NAMES[key]?.toLowerCase() ?? EXTRA_NAMES[key](this.filter[key][0])}`,
        ),
      ),
      h(
        "button.button",
        {
          type: "button",
          on: {
            click: () => {
              this.filter = {};
              this.search.value = "";
              this.#changed();
            },
          },
        },
        "Clear all",
      ),
    );
  }

  #makeRow() {
    const cells = this.columns.map((column) => column.make());
    const element = h(
      "a.trace-row",
      {
        role: "option",
        tabindex: -1,
        on: { click: () => this.#remember(position) },
      },
      cells.map((cell) => cell.element),
    );
    element.id = `trace-row-${nextId++}`;
    let position = -1;
    return {
      element,
      show: (/** @type {number} */ at) => {
        position = at;
        const row = this.rows[at];
        element.setAttribute("href", address("trace", [this.table.id[row]]));
        element.setAttribute("aria-posinset", String(at + 1));
        element.setAttribute("aria-setsize", String(this.rows.length));
        const isSelected = at === this.selected;
        element.setAttribute("aria-selected", String(isSelected));
        if (isSelected) this.host.setAttribute("aria-activedescendant", element.id);
        for (const cell of cells) cell.show(this, row);
      },
    };
  }

  /** @param {number} position */
  #remember(position) {
    this.selected = position;
    this.report.places.set("trace", this.table.id[this.rows[position]]);
    this.report.places.set("scroll", String(this.host.scrollTop));
  }

  /** @param {number} step */
  #move(step) {
    this.selected = Math.max(0, Math.min(this.rows.length - 1, this.selected + step));
    this.virtual.reveal(this.selected);
    this.virtual.refresh();
    this.host.focus({ preventScroll: true });
  }

  #open() {
    if (!this.rows.length) return;
    this.#remember(this.selected);
    location.hash = address("trace", [this.table.id[this.rows[this.selected]]]);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const step = {
      PageDown: this.virtual.perPage,
      PageUp: -this.virtual.perPage,
      Home: -this.rows.length,
      End: this.rows.length,
    }[event.key];
    if (step === undefined) return;
    this.#move(step);
    event.preventDefault();
  }
}

let nextId = 0;

/** At most some thousand values, evenly taken. @param {Uint32Array} rows @param {Float64Array} column */
function sample(rows, column) {
  const step = Math.max(1, Math.floor(rows.length / 4000));
  const values = [];
  for (let i = 0; i < rows.length; i += step) values.push(column[rows[i]]);
  return values;
}
