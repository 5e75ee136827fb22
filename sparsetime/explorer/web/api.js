// Answers of the explorer's API, of an export's files, or of a page that computes them live.

import { exported } from "./router.js";

/**
 * The path of a dictionary below /api/.
 * @param {string} key
 * @returns {`dictionaries/${string}`}
 */
export const of = (key) => `dictionaries/${encodeURIComponent(key)}`;

/** @typedef {(path: string, parameters: any) => Promise<unknown>} Source */

/** @type {Map<string, Source>} */
const local = new Map();

/**
 * Answer paths that start with `prefix` from a function instead of the API.
 * @param {string} prefix
 * @param {Source} answer gets the rest of the path
 * @returns {() => void} removes it again
 */
export function provide(prefix, answer) {
  local.set(prefix, answer);
  return () => {
    local.delete(prefix);
  };
}

/**
 * GET a record. A refusal becomes an Error with the server's words.
 * @template {string} Path
 * @param {Path} path below /api/
 * @param {Api.Query<Path>} [parameters] null, undefined and "" are left out
 * @returns {Promise<Api.Answer<Path>>}
 */
export async function ask(path, parameters) {
  const values = parameters ?? {};
  for (const [prefix, answer] of local) {
    if (path.startsWith(prefix))
      return /** @type {any} */ (answer(path.slice(prefix.length), values));
  }
  if (exported)
    return /** @type {any} */ (
      import("./export_api.js").then(({ answer }) => answer(path, values))
    );
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(values)) {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (item !== null && item !== undefined && item !== "") query.append(key, String(item));
    }
  }
  const text = query.toString();
  return (await request(text ? `${path}?${text}` : path)).json();
}

/**
 * POST or PUT a record.
 * @template {string} Path
 * @param {Path} path below /api/
 * @param {"POST" | "PUT"} method
 * @param {Api.Body<Path>} value
 * @param {AbortSignal} [signal]
 */
export function send(path, method, value, signal) {
  const headers = { "Content-Type": "application/json" };
  return request(path, { method, signal, headers, body: JSON.stringify(value) });
}

/**
 * @param {string} path
 * @param {RequestInit} [options]
 */
async function request(path, options = {}) {
  if (exported)
    throw new Error(
      "These are exported files: what changes them needs the explorer on the machine of the run.",
    );
  let response;
  try {
    response = await fetch(`/api/${path}`, options);
  } catch (error) {
    if (error instanceof Error && error.name === "AbortError") throw error;
    throw new Error("The explorer does not answer. Is it still running?");
  }
  if (!response.ok) {
    const answer = await response.json().catch(() => ({}));
    throw new Error(answer.error ?? "The address holds something that cannot be read.");
  }
  return response;
}
