/**
 * Random well-typed expressions for the differential test: any function, cast or CASE over columns
 * and literals, from a seed.
 */
import type { LogicalType, Schema } from '@millrace/core'
import { randomValue } from '@millrace/core/testing'
import { isCastable } from '../cast/cast-value.ts'
import type { Expression, LiteralExpression } from '../expression.ts'
import { FUNCTIONS } from '../functions/function-table.ts'
import { valueToLiteral } from '../interpreter/interpret.ts'
import { makeCall, makeCase, makeCast } from '../typing/infer-call.ts'

export const RANDOM_TYPES: readonly LogicalType[] = [
  { kind: 'BOOLEAN', nullable: true },
  { kind: 'INT', nullable: true },
  { kind: 'INT', nullable: false },
  { kind: 'TINYINT', nullable: true },
  { kind: 'SMALLINT', nullable: false },
  { kind: 'BIGINT', nullable: true },
  { kind: 'FLOAT', nullable: true },
  { kind: 'DOUBLE', nullable: true },
  { kind: 'DOUBLE', nullable: false },
  { kind: 'DECIMAL', precision: 10, scale: 2, nullable: true },
  { kind: 'DECIMAL', precision: 18, scale: 0, nullable: true },
  { kind: 'STRING', nullable: true },
  { kind: 'STRING', nullable: false },
  { kind: 'STRING', length: 3, fixed: true, nullable: true },
  { kind: 'STRING', length: 5, nullable: true },
  { kind: 'TIMESTAMP', precision: 3, nullable: true },
  { kind: 'TIMESTAMP', precision: 6, nullable: false },
  { kind: 'TIMESTAMP_LTZ', precision: 3, nullable: true },
  { kind: 'DATE', nullable: true },
  { kind: 'INTERVAL_DAY_TIME', nullable: true },
  { kind: 'INTERVAL_YEAR_MONTH', nullable: true },
]

/** Texts that mean something to some function: units, patterns, separators. */
const WORDS = [
  'HOUR',
  'QUARTER',
  'DOW',
  'EPOCH',
  'MINUTE',
  'DAY',
  'MONTH',
  'WEEK',
  'YEAR',
  'BOTH',
  'yyyy-MM-dd HH:mm',
  'a%',
  '%o%',
  '_a%',
  '(\\d+)',
  'l',
  ',',
  '$',
]

/** Argument kinds that chance seldom finds. */
const SHAPES: Readonly<Record<string, readonly LogicalType['kind'][]>> = {
  extract: ['STRING', 'TIMESTAMP'],
  floor_to: ['TIMESTAMP', 'STRING'],
  ceil_to: ['TIMESTAMP_LTZ', 'STRING'],
  timestampadd: ['STRING', 'INT', 'TIMESTAMP'],
  timestampdiff: ['STRING', 'TIMESTAMP', 'DATE'],
  lpad: ['STRING', 'INT', 'STRING'],
  rpad: ['STRING', 'INT', 'STRING'],
}

export class RandomExpressions {
  readonly #schema: Schema
  readonly #random: () => number

  constructor(schema: Schema, random: () => number) {
    this.#schema = schema
    this.#random = random
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#random() * from.length)] as T
  }

  /** An expression of any type. */
  any(depth: number): Expression {
    const dice = this.#random()
    if (depth === 0 || dice < 0.1) return this.#leaf()
    if (dice < 0.75) return this.#call(depth)
    if (dice < 0.9) return this.#cast(depth)
    return this.#case(depth)
  }

  /** A BOOLEAN expression. */
  condition(depth: number): Expression {
    for (let attempt = 0; attempt < 200; attempt++) {
      const found = this.any(depth)
      if (found.type.kind === 'BOOLEAN' && found.kind !== 'literal') return found
    }
    return { kind: 'literal', value: true, type: { kind: 'BOOLEAN', nullable: false } }
  }

  #leaf(): Expression {
    if (this.#random() < 0.65) {
      const index = Math.floor(this.#random() * this.#schema.fields.length)
      return { kind: 'column', index, type: this.#schema.fields[index]!.type }
    }
    return this.#literal()
  }

  /**
   * Up to four leaves: of any types, of one type, or texts and then whole numbers, as most
   * functions take.
   */
  #argumentLeaves(name: string): Expression[] {
    const shape = SHAPES[name]
    if (shape !== undefined && this.#random() < 0.8) {
      return shape.map((kind) => this.#leafOf(kind))
    }
    const count = Math.floor(this.#random() * 4)
    const dice = this.#random()
    if (dice < 0.4) return Array.from({ length: count }, () => this.#leaf())
    if (dice < 0.7) {
      const { kind } = this.#pick(RANDOM_TYPES)
      return Array.from({ length: count }, () => this.#leafOf(kind))
    }
    const texts = 1 + Math.floor(this.#random() * 3)
    const tail = this.#pick(['INT', 'TIMESTAMP'] as const)
    return Array.from({ length: count + 1 }, (_, i) =>
      this.#leafOf(i < texts ? 'STRING' : i === texts ? 'INT' : tail),
    )
  }

  #leafOf(kind: LogicalType['kind']): Expression {
    for (;;) {
      const leaf = this.#leaf()
      if (leaf.type.kind === kind) return leaf
    }
  }

  #literal(): LiteralExpression {
    const type = this.#pick(RANDOM_TYPES)
    if (type.nullable && this.#random() < 0.2) return { kind: 'literal', value: null, type }
    const value =
      type.kind === 'STRING' && this.#random() < 0.6
        ? this.#pick(WORDS)
        : valueToLiteral(randomValue(type, this.#random))
    return { kind: 'literal', value, type: { ...type, nullable: false } }
  }

  #call(depth: number): Expression {
    const name = this.#pick([...FUNCTIONS.keys()])
    for (let attempt = 0; attempt < 60; attempt++) {
      const args = this.#argumentLeaves(name)
      const types = args.map(({ type }) => type)
      if (typeof FUNCTIONS.get(name)!.infer(types) === 'string') continue
      const deep = args.map((arg) => this.#deepened(arg, depth - 1))
      return makeCall(name, deep)
    }
    return this.#leaf()
  }

  /** A deeper expression of the same type, when one turns up. */
  #deepened(leaf: Expression, depth: number): Expression {
    if (leaf.kind === 'literal' && leaf.type.kind === 'STRING') return leaf
    for (let attempt = 0; depth > 0 && attempt < 5; attempt++) {
      const candidate = this.any(depth)
      if (JSON.stringify(candidate.type) === JSON.stringify(leaf.type)) return candidate
      if (attempt < 3 || !isCastable(candidate.type, leaf.type)) continue
      return makeCast(candidate, leaf.type, this.#random() < 0.7)
    }
    return leaf
  }

  #cast(depth: number): Expression {
    const operand = this.any(depth - 1)
    const target = this.#pick(RANDOM_TYPES)
    if (!isCastable(operand.type, target)) return operand
    return makeCast(operand, target, this.#random() < 0.6)
  }

  #case(depth: number): Expression {
    const first = this.any(depth - 1)
    const when = this.condition(depth - 1)
    // biome-ignore lint/suspicious/noThenProperty: the field of a CASE branch
    const branches = [{ when, then: first }]
    const otherwise = this.#deepened(first, depth - 1)
    return makeCase(branches, this.#random() < 0.7 ? otherwise : undefined)
  }
}
