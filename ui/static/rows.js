// @ts-check
/** A list of which only what is seen is in the document. Each row keeps its nodes. */

import { h } from "./dom.js";

const SPARE = 8;

/**
 * @template R
 * @typedef {{ element: HTMLElement, show: (position: number) => void } & R} Row
 */

export class VirtualRows {
  /** @type {{ element: HTMLElement, show: (position: number) => void, at: number }[]} */
  #pool = [];
  #count = 0;
  #waiting = false;

  /**
   * @param {HTMLElement} host scrolls
   * @param {number} height of a row, pixels
   * @param {() => { element: HTMLElement, show: (position: number) => void }} make
   */
  constructor(host, height, make) {
    this.host = host;
    this.height = height;
    this.make = make;
    this.space = h("div.space", { "aria-hidden": "true" });
    host.replaceChildren(this.space);
    host.addEventListener("scroll", () => this.#later(), { passive: true });
    this.observer = new ResizeObserver(() => this.#later());
    this.observer.observe(host);
  }

  /** Show this many rows, all of them anew. @param {number} count */
  reset(count) {
    this.#count = count;
    this.space.style.setProperty("height", `${count * this.height}px`);
    for (const row of this.#pool) row.at = -1;
    this.paint();
  }

  /** Draw again the rows that are seen. */
  refresh() {
    for (const row of this.#pool) row.at = -1;
    this.paint();
  }

  /** Scroll as little as it takes. @param {number} position */
  reveal(position) {
    const top = position * this.height;
    const { scrollTop, clientHeight } = this.host;
    if (top < scrollTop) this.host.scrollTop = top;
    else if (top + this.height > scrollTop + clientHeight) {
      this.host.scrollTop = top + this.height - clientHeight;
    }
    this.paint();
  }

  get perPage() {
    return Math.max(1, Math.floor(this.host.clientHeight / this.height) - 1);
  }

  paint() {
    const seen = Math.ceil(this.host.clientHeight / this.height) + 1;
    const first = Math.max(0, Math.floor(this.host.scrollTop / this.height) - SPARE);
    const last = Math.min(this.#count, first + seen + 2 * SPARE);
    while (this.#pool.length < last - first) {
      const row = { ...this.make(), at: -1 };
      row.element.style.setProperty("height", `${this.height}px`);
      this.#pool.push(row);
      this.host.append(row.element);
    }
    const size = this.#pool.length;
    const used = new Set();
    for (let position = first; position < last; position++) {
      const row = this.#pool[position % size];
      used.add(row);
      if (row.at === position) continue;
      row.at = position;
      row.element.hidden = false;
      row.element.style.setProperty("transform", `translateY(${position * this.height}px)`);
      row.show(position);
    }
    for (const row of this.#pool) {
      if (used.has(row) || row.at === -2) continue;
      row.at = -2;
      row.element.hidden = true;
    }
  }

  #later() {
    if (this.#waiting) return;
    this.#waiting = true;
    requestAnimationFrame(() => {
      this.#waiting = false;
      this.paint();
    });
  }
}
