/**
 * A WebAssembly function in the making: locals, stores and control flow, statement by statement.
 *
 * Blocks are closures, so the source reads as the code that it makes. `module` compiles a module of
 * it alone.
 */
import './webassembly.ts'
import {
  type F64,
  type I32,
  type I64,
  unsignedLeb,
  type V128,
  type Value,
  type ValueType,
} from './wasm-values.ts'

const TYPE_CODES: Record<ValueType, number> = { i32: 0x7f, i64: 0x7e, f64: 0x7c, v128: 0x7b }
const BLOCK_WITHOUT_RESULT = 0x40

export interface Local<T extends ValueType> extends Value<T> {
  readonly index: number
}

/** A place to jump to: the end of a block, the begin of a loop. */
export interface Label {
  readonly depth: number
}

export class WasmFunction {
  readonly #parameters: number
  readonly #memories: number
  readonly #locals: ValueType[] = []
  readonly #code: number[] = []
  #depth = 0

  /**
   * Its parameters are 32-bit integers, and so is what it returns. It reads from so many memories,
   * and writes to the first.
   */
  constructor(parameters: number, memories = 1) {
    this.#parameters = parameters
    this.#memories = memories
  }

  parameter(index: number): Local<'i32'> {
    return { type: 'i32', index, code: [0x20, ...unsignedLeb(index)] }
  }

  /** A local variable, zero at first. */
  local<T extends ValueType>(type: T): Local<T> {
    const index = this.#parameters + this.#locals.length
    this.#locals.push(type)
    return { type, index, code: [0x20, ...unsignedLeb(index)] }
  }

  /** A local that holds the expression from here on. */
  keep<T extends ValueType>(value: Value<T>): Local<T> {
    const local = this.local(value.type)
    this.set(local, value)
    return local
  }

  set<T extends ValueType>(local: Local<T>, value: Value<T>): void {
    this.#emit(value.code, [0x21, ...unsignedLeb(local.index)])
  }

  storeI32(address: I32, value: I32, offset = 0): void {
    this.#store(address, value, 0x36, offset)
  }

  storeI8(address: I32, value: I32, offset = 0): void {
    this.#store(address, value, 0x3a, offset)
  }

  storeI64(address: I32, value: I64, offset = 0): void {
    this.#store(address, value, 0x37, offset)
  }

  storeF64(address: I32, value: F64, offset = 0): void {
    this.#store(address, value, 0x39, offset)
  }

  storeV128(address: I32, value: V128, offset = 0): void {
    this.#emit(address.code, value.code, [0xfd, 11, 0, ...unsignedLeb(offset)])
  }

  #store(address: I32, value: Value<ValueType>, opcode: number, offset: number): void {
    this.#emit(address.code, value.code, [opcode, 0, ...unsignedLeb(offset)])
  }

  /** `body` runs once; a jump to its label goes behind it. */
  block(body: (end: Label) => void): void {
    this.#nest(0x02, body)
  }

  /** A jump to its label runs `body` again. */
  loop(body: (again: Label) => void): void {
    this.#nest(0x03, body)
  }

  if(condition: I32, then: () => void, otherwise?: () => void): void {
    this.#emit(condition.code, [0x04, BLOCK_WITHOUT_RESULT])
    this.#depth++
    then()
    if (otherwise !== undefined) {
      this.#emit([0x05])
      otherwise()
    }
    this.#depth--
    this.#emit([0x0b])
  }

  #nest(opcode: number, body: (label: Label) => void): void {
    this.#emit([opcode, BLOCK_WITHOUT_RESULT])
    this.#depth++
    body({ depth: this.#depth })
    this.#depth--
    this.#emit([0x0b])
  }

  jump(label: Label): void {
    this.#emit([0x0c, ...unsignedLeb(this.#depth - label.depth)])
  }

  jumpIf(label: Label, condition: I32): void {
    this.#emit(condition.code, [0x0d, ...unsignedLeb(this.#depth - label.depth)])
  }

  #emit(...parts: (readonly number[])[]): void {
    for (const part of parts) for (const byte of part) this.#code.push(byte)
  }

  /**
   * Compiled on this thread. The module imports its memories by number from `m` and exports the
   * function as `run`.
   */
  module(result: I32): WebAssembly.Module {
    const locals = this.#locals.map((type) => [1, TYPE_CODES[type]])
    const body = [...vector(locals), ...this.#code, ...result.code, 0x0b]
    const parameters = new Array<number[]>(this.#parameters).fill([TYPE_CODES.i32])
    const memories = Array.from({ length: this.#memories }, (_, i) => [
      ...[...text('m'), ...text(`${i}`), 0x02, 0x00, 0],
    ])
    const bytes = Uint8Array.from([
      ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
      ...section(1, [[0x60, ...vector(parameters), 1, TYPE_CODES.i32]]),
      ...section(2, memories),
      ...section(3, [[0]]),
      ...section(7, [[...text('run'), 0x00, 0]]),
      ...section(10, [[...unsignedLeb(body.length), ...body]]),
    ])
    return new WebAssembly.Module(bytes)
  }
}

function vector(items: readonly (readonly number[])[]): number[] {
  return [...unsignedLeb(items.length), ...items.flat()]
}

function section(id: number, items: readonly (readonly number[])[]): number[] {
  const content = vector(items)
  return [id, ...unsignedLeb(content.length), ...content]
}

function text(ascii: string): number[] {
  return [...unsignedLeb(ascii.length), ...Buffer.from(ascii, 'latin1')]
}

/** The function of a module of `WasmFunction.module`, over its memories. */
export function instantiateWasm<F>(
  module: WebAssembly.Module,
  ...memories: readonly WebAssembly.Memory[]
): F {
  return new WebAssembly.Instance(module, { m: { ...memories } }).exports.run as F
}
