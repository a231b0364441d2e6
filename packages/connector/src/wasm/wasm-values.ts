/**
 * WebAssembly instructions as typed expressions: each function gives the bytes of an expression of
 * one value type, so that an operand of another type does not compile.
 *
 * The instructions that generated scanners use, named as the specification names them
 * (https://webassembly.github.io/spec/core/binary/instructions.html). An expression that is used
 * twice is computed twice; a local (`WasmFunction.local`) keeps it.
 */

export type ValueType = 'i32' | 'i64' | 'f64' | 'v128'

/** An expression that leaves one value of the type on the stack. */
export interface Value<T extends ValueType> {
  readonly type: T
  readonly code: readonly number[]
}

export type I32 = Value<'i32'>
export type I64 = Value<'i64'>
export type F64 = Value<'f64'>
export type V128 = Value<'v128'>

/** LEB128 of an unsigned number below 2^32. */
export function unsignedLeb(value: number): number[] {
  const bytes: number[] = []
  let rest = value >>> 0
  while (rest >= 0x80) {
    bytes.push((rest & 0x7f) | 0x80)
    rest >>>= 7
  }
  bytes.push(rest)
  return bytes
}

/** LEB128 of a signed number of at most 64 bits. */
export function signedLeb(value: bigint): number[] {
  const bytes: number[] = []
  let rest = value
  for (;;) {
    const low = Number(rest & 0x7fn)
    rest >>= 7n
    if ((rest === 0n && low < 0x40) || (rest === -1n && low >= 0x40)) {
      bytes.push(low)
      return bytes
    }
    bytes.push(low | 0x80)
  }
}

function value<T extends ValueType>(type: T, code: readonly number[]): Value<T> {
  return { type, code }
}

function unary<A extends ValueType, T extends ValueType>(type: T, ...opcode: number[]) {
  return (a: Value<A>): Value<T> => value(type, [...a.code, ...opcode])
}

function binary<A extends ValueType, B extends ValueType, T extends ValueType>(
  type: T,
  ...opcode: number[]
) {
  return (a: Value<A>, b: Value<B>): Value<T> => value(type, [...a.code, ...b.code, ...opcode])
}

/**
 * What an access says behind its opcode: alignment, memory (where it is not the first), offset.
 * Unaligned everywhere: records begin where they like.
 */
export function memoryArgument(offset: number, memory: number): number[] {
  return memory === 0 ? [0, ...unsignedLeb(offset)] : [0x40, memory, ...unsignedLeb(offset)]
}

/** `memory` is the number of one of the function's (`WasmFunction`). */
function memory<T extends ValueType>(type: T, ...opcode: number[]) {
  return (address: I32, offset = 0, memory = 0): Value<T> =>
    value(type, [...address.code, ...opcode, ...memoryArgument(offset, memory)])
}

const simd = (opcode: number): number[] => [0xfd, ...unsignedLeb(opcode)]

function lanes(bytes: readonly number[]): number[] {
  if (bytes.length !== 16) throw new RangeError('A vector has sixteen bytes')
  return bytes.map((byte) => byte & 0xff)
}

export const i32 = {
  const: (n: number): I32 => value('i32', [0x41, ...signedLeb(BigInt(n | 0))]),
  load: memory('i32', 0x28),
  load8U: memory('i32', 0x2d),
  load16U: memory('i32', 0x2f),
  eqz: unary<'i32', 'i32'>('i32', 0x45),
  eq: binary<'i32', 'i32', 'i32'>('i32', 0x46),
  ne: binary<'i32', 'i32', 'i32'>('i32', 0x47),
  ltU: binary<'i32', 'i32', 'i32'>('i32', 0x49),
  gtU: binary<'i32', 'i32', 'i32'>('i32', 0x4b),
  geS: binary<'i32', 'i32', 'i32'>('i32', 0x4e),
  geU: binary<'i32', 'i32', 'i32'>('i32', 0x4f),
  ctz: unary<'i32', 'i32'>('i32', 0x68),
  add: binary<'i32', 'i32', 'i32'>('i32', 0x6a),
  sub: binary<'i32', 'i32', 'i32'>('i32', 0x6b),
  mul: binary<'i32', 'i32', 'i32'>('i32', 0x6c),
  and: binary<'i32', 'i32', 'i32'>('i32', 0x71),
  or: binary<'i32', 'i32', 'i32'>('i32', 0x72),
  xor: binary<'i32', 'i32', 'i32'>('i32', 0x73),
  shl: binary<'i32', 'i32', 'i32'>('i32', 0x74),
  shrU: binary<'i32', 'i32', 'i32'>('i32', 0x76),
  /** The low half. */
  wrap: unary<'i64', 'i32'>('i32', 0xa7),
}

export const i64 = {
  const: (n: bigint): I64 => value('i64', [0x42, ...signedLeb(BigInt.asIntN(64, n))]),
  load: memory('i64', 0x29),
  load8U: memory('i64', 0x31),
  load16U: memory('i64', 0x33),
  load32U: memory('i64', 0x35),
  eqz: unary<'i64', 'i32'>('i32', 0x50),
  add: binary<'i64', 'i64', 'i64'>('i64', 0x7c),
  sub: binary<'i64', 'i64', 'i64'>('i64', 0x7d),
  mul: binary<'i64', 'i64', 'i64'>('i64', 0x7e),
  or: binary<'i64', 'i64', 'i64'>('i64', 0x84),
  xor: binary<'i64', 'i64', 'i64'>('i64', 0x85),
  shl: binary<'i64', 'i64', 'i64'>('i64', 0x86),
  shrU: binary<'i64', 'i64', 'i64'>('i64', 0x88),
  extendS: unary<'i32', 'i64'>('i64', 0xac),
  extendU: unary<'i32', 'i64'>('i64', 0xad),
  /** The bits of a double. */
  reinterpret: unary<'f64', 'i64'>('i64', 0xbd),
}

export const f64 = {
  const: (n: number): F64 => {
    const bytes = new Uint8Array(8)
    new DataView(bytes.buffer).setFloat64(0, n, true)
    return value('f64', [0x44, ...bytes])
  },
  load: memory('f64', 0x2b),
  ne: binary<'f64', 'f64', 'i32'>('i32', 0x62),
  lt: binary<'f64', 'f64', 'i32'>('i32', 0x63),
  abs: unary<'f64', 'f64'>('f64', 0x99),
  add: binary<'f64', 'f64', 'f64'>('f64', 0xa0),
  div: binary<'f64', 'f64', 'f64'>('f64', 0xa3),
  convertI32S: unary<'i32', 'f64'>('f64', 0xb7),
  convertI64S: unary<'i64', 'f64'>('f64', 0xb9),
  /** Rounded to the nearest single-precision number. */
  fround: unary<'f64', 'f64'>('f64', 0xb6, 0xbb),
  /** The double with these bits. */
  reinterpret: unary<'i64', 'f64'>('f64', 0xbf),
}

export const v128 = {
  load: memory('v128', ...simd(0)),
  and: binary<'v128', 'v128', 'v128'>('v128', ...simd(78)),
  or: binary<'v128', 'v128', 'v128'>('v128', ...simd(80)),
  xor: binary<'v128', 'v128', 'v128'>('v128', ...simd(81)),
  anyTrue: unary<'v128', 'i32'>('i32', ...simd(83)),
}

export const i8x16 = {
  /** Bytes of `a` by the indexes in `lanes`. */
  shuffle: (a: V128, indexes: readonly number[]): V128 =>
    value('v128', [...a.code, ...a.code, ...simd(13), ...lanes(indexes)]),
  /** Bytes of `a` by the indexes in `b`; zero for an index with the highest bit; of 0 … 15. */
  relaxedSwizzle: binary<'v128', 'v128', 'v128'>('v128', ...simd(0x100)),
  eq: binary<'v128', 'v128', 'v128'>('v128', ...simd(35)),
  ltS: binary<'v128', 'v128', 'v128'>('v128', ...simd(37)),
  gtS: binary<'v128', 'v128', 'v128'>('v128', ...simd(39)),
  gtU: binary<'v128', 'v128', 'v128'>('v128', ...simd(40)),
  /** A bit a byte: its highest. */
  bitmask: unary<'v128', 'i32'>('i32', ...simd(100)),
  add: binary<'v128', 'v128', 'v128'>('v128', ...simd(110)),
  sub: binary<'v128', 'v128', 'v128'>('v128', ...simd(113)),
  /** Unsigned; zero where that would be less than zero. */
  subSatU: binary<'v128', 'v128', 'v128'>('v128', ...simd(115)),
}

export const i16x8 = {
  narrowI32x4: binary<'v128', 'v128', 'v128'>('v128', ...simd(133)),
  /**
   * Sums of the products of neighbouring bytes; those of `a` unsigned below 128, those of `b` too.
   */
  relaxedDotI8x16: binary<'v128', 'v128', 'v128'>('v128', ...simd(0x112)),
}

export const i32x4 = {
  lane: (a: V128, lane: 0 | 1 | 2 | 3): I32 => value('i32', [...a.code, ...simd(27), lane]),
  /** Sums of the products of neighbouring 16-bit lanes. */
  dotI16x8: binary<'v128', 'v128', 'v128'>('v128', ...simd(186)),
}

export const i64x2 = {
  lane: (a: V128, lane: 0 | 1): I64 => value('i64', [...a.code, ...simd(29), lane]),
}

export const f64x2 = {
  lane: (a: V128, lane: 0 | 1): F64 => value('f64', [...a.code, ...simd(33), lane]),
  mul: binary<'v128', 'v128', 'v128'>('v128', ...simd(242)),
  /** Of the two first lanes. */
  convertLowI32x4: unary<'v128', 'v128'>('v128', ...simd(254)),
}
