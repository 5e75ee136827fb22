// Where answers come from: the explorer's API, the files of an export, or a page that plays live.

import { exported } from "./router.js";

export const of = (key) => `dictionaries/${encodeURIComponent(key)}`;

const played = new Map();
/** Let `answer(path, parameters)` stand in for the API below a path; gives back how to end that. */
export function provide(prefix, answer) {
  played.set(prefix, answer);
  return () => played.delete(prefix);
}

/** Ask for a record; what is refused becomes an Error with its words. */
export async function ask(path, parameters = {}) {
  for (const [prefix, answer] of played) if (path.startsWith(prefix)) return answer(path.slice(prefix.length), parameters);
  if (exported) return (await import("./export_api.js")).answer(path, parameters);
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined && one !== "") query.append(key, one);
    }
  }
  const text = query.toString();
  return (await request(`${path}${text ? "?" + text : ""}`)).json();
}

/** Change something. */
export async function send(path, method, value, signal) {
  const response = await request(path, { method, signal, headers: { "Content-Type": "application/json" }, body: JSON.stringify(value) });
  return response;
}

async function request(path, options = {}) {
  if (exported) throw new Error("These are exported files: what changes them needs the explorer on the machine of the run.");
  let response;
  try {
    response = await fetch(`/api/${path}`, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The explorer does not answer. Is it still running?");
  }
  if (!response.ok) {
    const answer = await response.json().catch(() => ({}));
    throw new Error(answer.error ?? "The address holds something that cannot be read.");
  }
  return response;
}
