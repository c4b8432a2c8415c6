// @ts-check
/** JSON on pages whose scripts give every list or object a toJSON of their own, as Prototype does. */

/** @param {unknown} value */
export function json(value) {
  return JSON.stringify(bare(value));
}

/** @param {any} value @returns {any} */
function bare(value) {
  if (Array.isArray(value)) return Object.assign(value.map(bare), { toJSON: undefined });
  if (!value || typeof value !== "object") return value;
  const held = Object.entries(value).map(([name, one]) => [name, bare(one)]);
  return Object.fromEntries([...held, ["toJSON", undefined]]);
}
