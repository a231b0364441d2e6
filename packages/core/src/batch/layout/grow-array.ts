/** Longer arrays: how columns, pools and tables make room. */

/** A longer copy of `array`, at least `length` long and at least twice as long as before. */
export function growArray<T extends Uint8Array | Int32Array | Float64Array | BigInt64Array>(
  array: T,
  length: number,
): T {
  const Grown = array.constructor as new (length: number) => T
  const grown = new Grown(Math.max(length, array.length * 2, 16))
  grown.set(array as never)
  return grown
}
