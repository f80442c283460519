// @ts-check
/** Where the pages get their data: the blocks embedded in this file. */

/** @typedef {import("./types.js").Index} Index */
/** @typedef {import("./types.js").Trace} Trace */
/** @typedef {import("./types.js").Content} Content */
/** @typedef {import("./types.js").RunView} RunView */

const MOST_BLOCKS = 8;
/** @type {Map<number, Promise<any[]>>} */
const blocks = new Map();
/** @type {Map<string, Promise<string | null>>} */
const blobUrls = new Map();
/** @type {WeakMap<Trace, Map<number, Promise<Content[]>>>} */
const partsOf = new WeakMap();

/** @returns {Promise<Index>} */
export async function readIndex() {
  return JSON.parse(await unpacked(await blockText("index")));
}

/**
 * A trace with its spans; their contents come from `readContent`.
 * @param {string} id @param {number} block
 * @returns {Promise<Trace | undefined>}
 */
export async function readTrace(id, block) {
  const items = await readBlock(block);
  return items.find((item) => item.id === id);
}

/**
 * What was written in one span.
 * @param {Trace} trace @param {number} position of the span
 * @returns {Promise<Content>}
 */
export async function readContent(trace, position) {
  if (trace.contents) return trace.contents[position];
  const parts = trace.parts ?? [];
  const part = parts.findLastIndex(([first]) => first <= position);
  if (part < 0) return {};
  const [first, block] = parts[part];
  let known = partsOf.get(trace);
  if (!known) partsOf.set(trace, (known = new Map()));
  let contents = known.get(block);
  if (!contents) known.set(block, (contents = readBlock(block)));
  return (await contents)[position - first];
}

/** @param {string} id @param {number} block @returns {Promise<RunView | undefined>} */
export async function readRun(id, block) {
  const items = await readBlock(block);
  return items.find((item) => item.id === id);
}

/**
 * A `blob:` address of embedded media, or null where the file does not hold it.
 * @param {string} sha256 @param {string} type
 * @returns {Promise<string | null>}
 */
export function blobUrl(sha256, type) {
  let url = blobUrls.get(sha256);
  if (!url) {
    url = blockText(`b-${sha256}`).then((text) =>
      URL.createObjectURL(new Blob([fromBase64(text)], { type })),
    );
    blobUrls.set(sha256, url);
  }
  return url;
}

/** @param {number} number @returns {Promise<any[]>} */
function readBlock(number) {
  let block = blocks.get(number);
  if (block) blocks.delete(number);
  else block = blockText(`c${number}`).then(unpacked).then(JSON.parse);
  blocks.set(number, block);
  for (const oldest of blocks.keys()) {
    if (blocks.size <= MOST_BLOCKS) break;
    blocks.delete(oldest);
  }
  return block;
}

/**
 * The text of a block; waits while the browser still reads this file. A block is whole once
 * something stands behind it.
 * @param {string} id @returns {Promise<string>}
 */
function blockText(id) {
  return new Promise((resolve, reject) => {
    const look = () => {
      const block = document.getElementById(id);
      const isRead = document.readyState !== "loading";
      if (block?.nextSibling || (block && isRead)) resolve(block.textContent ?? "");
      else if (isRead) reject(new Error(`This file is incomplete: block ${id} is missing.`));
      else return false;
      return true;
    };
    if (look()) return;
    const observer = new MutationObserver(() => look() && stop());
    const stop = () => {
      observer.disconnect();
      document.removeEventListener("DOMContentLoaded", finish);
    };
    const finish = () => look() && stop();
    observer.observe(document.body, { childList: true });
    document.addEventListener("DOMContentLoaded", finish);
  });
}

/** @param {string} text base64 of gzip @returns {Promise<string>} */
function unpacked(text) {
  const stream = new Blob([fromBase64(text)]).stream();
  return new Response(stream.pipeThrough(new DecompressionStream("gzip"))).text();
}

/** @param {string} text @returns {Uint8Array<ArrayBuffer>} */
function fromBase64(text) {
  const quick = /** @type {any} */ (Uint8Array).fromBase64;
  return quick ? quick.call(Uint8Array, text) : Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}
