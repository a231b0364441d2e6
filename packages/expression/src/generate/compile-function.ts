/**
 * The one place where text becomes code.
 *
 * Safe by construction: the text comes from `CodeBuilder`, which is fed with fixed fragments,
 * generated names and numeric indexes;
 * user data (literals, patterns, names) only ever arrives as `constants`.
 */

/** A function of `parameters` with `body`, in which constant i is visible as `k<i>`. */
export function compileFunction<T>(
  parameters: readonly string[],
  body: string,
  constants: readonly unknown[],
): T {
  const names = constants.map((_, i) => `k${i}`)
  const source = `'use strict'\nreturn function (${parameters.join(', ')}) {\n${body}\n}`
  return new Function(...names, source)(...constants) as T
}
