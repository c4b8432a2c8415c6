// @ts-check
/** Load the modules that few need when they are needed, each once. */

/** @type {Map<string, Promise<any>>} */
const loaded = new Map();
let failures = 0;

/**
 * A module of those in `made/`. One that did not come is asked for under another address the next
 * time, for a browser remembers the failure with the address.
 * @param {string} name
 */
export function later(name) {
  const known = loaded.get(name);
  if (known) return known;
  const url = new URL(`made/${name}.js${failures ? `?${failures}` : ""}`, import.meta.url);
  const loading = import(url.href).catch((error) => {
    loaded.delete(name);
    failures += 1;
    throw error;
  });
  loaded.set(name, loading);
  return loading;
}
