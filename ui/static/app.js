// @ts-check
/** The frame around the pages: navigation, search, theme; and from the address to the page. */

import { fill, h, s, visible } from "./dom.js";
import { readIndex } from "./data.js";
import { emptyPage } from "./empty.js";
import { count, moment, plural } from "./format.js";
import { helpDialog, listen } from "./keys.js";
import { overviewPage } from "./overview.js";
import { Report } from "./report.js";
import { address, parseRoute, settings } from "./route.js";
import { runPage } from "./run.js";
import { runsPage } from "./runs.js";
import { tracePage } from "./trace.js";
import { tracesPage } from "./traces.js";

/** @typedef {import("./report.js").Page} Page */
/** @typedef {import("./route.js").Route} Route */

/** @type {Record<string, (report: Report, route: Route) => Page | Promise<Page>>} */
const PAGES = {
  overview: overviewPage,
  traces: tracesPage,
  trace: tracePage,
  runs: runsPage,
  run: runPage,
};
/** @type {Record<string, string>} */
const SECTIONS = {
  overview: "overview",
  traces: "traces",
  trace: "traces",
  runs: "runs",
  run: "runs",
};

/** @param {Report} report */
function frame(report) {
  const { facts, table } = report;
  /** @type {[string, string, number | null][]} */
  const sections = [
    ["overview", "Overview", null],
    ["traces", "Traces", table.count],
    ["runs", "Runs", report.runRows.length],
  ];
  const links = sections.map(([key, name, number]) =>
    h(
      "a",
      { href: `#/${key}`, "data-section": key },
      name,
      number === null ? null : h("span.nav-count", null, count(number)),
    ),
  );
  const kept =
    facts.traces_stored > table.count
      ? `the newest ${count(table.count)} of ${plural(facts.traces_stored, "trace")}`
      : plural(table.count, "trace");
  const foot = [
    facts.title,
    moment(facts.created_ms),
    `${kept} · one file, offline`,
    ...(facts.filter ? [`filter ${facts.filter}`] : []),
  ];
  const search = h("input.field", {
    type: "search",
    "aria-label": "Search traces",
    placeholder: "Search traces",
    on: {
      keydown: (/** @type {KeyboardEvent} */ event) => {
        if (event.key === "Enter") location.hash = address("traces", [], { q: search.value });
      },
    },
  });
  const help = helpDialog();
  const title = h("div.crumbs");
  const main = h("main", { id: "main", tabindex: -1 });
  document.body.append(
    h(
      "a.skip",
      {
        href: "#main",
        on: {
          click: (/** @type {Event} */ event) => {
            event.preventDefault();
            main.focus();
          },
        },
      },
      "Skip to the content",
    ),
    h(
      "nav",
      { "aria-label": "Pages" },
      h(
        "div.brand",
        null,
        s(
          "svg.icon",
          { viewBox: "0 0 14 14", "aria-hidden": "true" },
          s("path.mark", { d: "M1 2h8M3 6h9M6 10h5" }),
        ),
        "tracekit",
      ),
      links,
      h(
        "div.foot",
        null,
        foot.map((line) => h("div", null, visible(line))),
      ),
    ),
    h(
      "header",
      null,
      title,
      h("span.grow"),
      h("div.search", null, search, h("kbd", { "aria-hidden": "true" }, "/")),
      h(
        "button.button",
        { type: "button", "aria-label": "Keyboard", on: { click: () => help.showModal() } },
        "?",
      ),
      themeButton(),
    ),
    main,
    help,
  );
  return { links, title, main, help, search };
}

function themeButton() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const current = () => document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light");
  const chosen = settings.get("theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  const button = h("button.button", {
    type: "button",
    on: {
      click: () => {
        document.documentElement.dataset.theme = current() === "dark" ? "light" : "dark";
        settings.set("theme", current());
        name();
      },
    },
  });
  const name = () => {
    button.textContent = current() === "dark" ? "Light" : "Dark";
  };
  name();
  return button;
}

/** @param {Report} report */
function run(report) {
  const { links, title, main, help, search } = frame(report);
  /** @type {Page | null} */
  let page = null;
  let visit = 0;
  const show = async () => {
    const mine = ++visit;
    const route = parseRoute(location.hash);
    if (route.page === "traces") report.listAddress = location.hash || "#/traces";
    const next = await pageOf(report, route);
    if (mine !== visit) return;
    page?.left?.();
    page = next;
    for (const link of links) {
      if (link.dataset.section === SECTIONS[route.page]) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    fill(
      title,
      (page.above ?? []).map(([text, href]) => [
        h("a", { href }, text),
        h("span.faint", { "aria-hidden": "true" }, " / "),
      ]),
      page.hasHeading
        ? h(
            page.crumb ? "span.ellipsis.mono" : "span.ellipsis",
            null,
            visible(page.crumb ?? page.title),
          )
        : h("h1.ellipsis", null, visible(page.title)),
    );
    document.title = `${visible(page.title)} · tracekit`;
    fill(main, page.element);
    main.scrollTop = 0;
    page.shown?.();
  };
  listen(() => page, help, search);
  addEventListener("hashchange", show);
  return show();
}

/** @param {Report} report @param {Route} route @returns {Promise<Page>} */
async function pageOf(report, route) {
  try {
    const make = Object.hasOwn(PAGES, route.page) ? PAGES[route.page] : null;
    if (make) return await make(report, route);
    return {
      title: "Not found",
      element: emptyPage("This page is not in this file", [
        `There is no page ${visible(route.page)}.`,
      ]),
    };
  } catch (error) {
    console.error(error);
    return {
      title: "Can’t be shown",
      element: emptyPage("This can’t be shown", [
        String(error instanceof Error ? error.message : error),
      ]),
    };
  }
}

readIndex()
  .then((index) => run(new Report(index)))
  .catch((error) => {
    console.error(error);
    document.body.append(emptyPage("This report can’t be read", [String(error.message)]));
  });
