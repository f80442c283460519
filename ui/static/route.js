// @ts-check
/** Addresses within the page: `#/page/id/id?state`. Everything a reader chose is in there. */

/** @typedef {{ page: string, ids: string[], state: URLSearchParams }} Route */

/** @param {string} hash @returns {Route} */
export function parseRoute(hash) {
  const [path, ...rest] = hash.replace(/^#\/?/, "").split("?");
  const [page, ...ids] = path.split("/").map(decoded);
  return { page: page || "overview", ids, state: new URLSearchParams(rest.join("?")) };
}

/**
 * @param {string} page @param {string[]} [ids]
 * @param {Record<string, string | number | string[] | null | undefined>} [state]
 */
export function address(page, ids = [], state = {}) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(state)) {
    if (value === null || value === undefined || value === "") continue;
    for (const item of Array.isArray(value) ? value : [value]) query.append(key, String(item));
  }
  const path = [page, ...ids].map(encodeURIComponent).join("/");
  return `#/${path}${query.size ? "?" + query : ""}`;
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Change what the address says of the state, without a step in the history. @param {string} hash */
export function replaceAddress(hash) {
  try {
    history.replaceState(history.state, "", hash);
  } catch {
    // a browser that refuses is still worth reading in
  }
}

/** What a reader chose for all reports, such as the theme. */
export const settings = remembered("localStorage", "tracekit.");

/** Where a reader is in this report. @param {string} report */
export const places = (report) => remembered("sessionStorage", `tracekit.${report}.`);

/** @param {"localStorage" | "sessionStorage"} kind @param {string} prefix */
function remembered(kind, prefix) {
  return {
    /** @param {string} key @returns {string | null} */
    get(key) {
      try {
        return window[kind].getItem(prefix + key);
      } catch {
        return null;
      }
    },
    /** @param {string} key @param {string} value */
    set(key, value) {
      try {
        window[kind].setItem(prefix + key, value);
      } catch {
        // full or forbidden: the page goes on without
      }
    },
  };
}
