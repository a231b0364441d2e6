/** Shapes: where plain data departs from its type, and that a factory refuses it by name. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isMillraceError } from '../error/millrace-error.ts'
import type { OperatorContext } from '../operator/operator.ts'
import { configParser, operatorFactory } from '../operator/operator-factory.ts'
import type { Schema } from '../types/logical-type.ts'
import { SCHEMA } from './schema-shape.ts'
import { finite, flag, list, natural, nullable, oneOf, optional, record, text } from './shape.ts'

interface Limits {
  readonly name: string
  readonly rowsMax: number
  readonly order: 'first' | 'last'
  readonly only?: readonly (number | null)[]
  readonly exact: boolean
}
const LIMITS = record<Limits>({
  name: text,
  rowsMax: natural,
  order: oneOf<Limits['order']>({ first: true, last: true }),
  only: optional(list(nullable(finite))),
  exact: flag,
})
const whole: Limits = { name: 'a', rowsMax: 3, order: 'last', only: [1, null], exact: false }

describe('a shape', () => {
  it('finds no fault in what it describes, with its optional fields or without', () => {
    const { only: _, ...without } = whole
    assert.deepEqual([LIMITS.faultIn(whole), LIMITS.faultIn(without)], [null, null])
  })

  it('says where the first fault is, what was expected and what was found', () => {
    const faults: [Record<string, unknown>, string, string, string][] = [
      [{ name: 7 }, '.name', 'a text', '7'],
      [{ name: undefined }, '.name', 'a text', 'missing'],
      [{ rowsMax: -1 }, '.rowsMax', 'a whole number from 0', '-1'],
      [{ rowsMax: 1.5 }, '.rowsMax', 'a whole number from 0', '1.5'],
      [{ order: 'up' }, '.order', 'one of "first", "last"', '"up"'],
      [{ order: 'toString' }, '.order', 'one of "first", "last"', '"toString"'],
      [{ only: null }, '.only', 'a list', 'null'],
      [{ only: [1, Number.NaN] }, '.only[1]', 'a finite number', 'NaN'],
      [{ exact: 0 }, '.exact', 'true or false', '0'],
      [{ name: { password: 'a' } }, '.name', 'a text', 'an object'],
      [{ more: [1] }, '.more', 'absent', 'a list'],
    ]
    for (const [change, path, expected, found] of faults) {
      assert.deepEqual(LIMITS.faultIn({ ...whole, ...change }), { path, expected, found })
    }
    assert.deepEqual(LIMITS.faultIn([]), { path: '', expected: 'an object', found: 'a list' })
    assert.equal(LIMITS.faultIn({ ...whole, rowsMax: 'x'.repeat(500) })?.found.length, 81)
  })

  it('does not compile without a field or a member of its type', () => {
    // @ts-expect-error: `exact` is missing.
    const short = record<Pick<Limits, 'name' | 'exact'>>({ name: text })
    assert.equal(short.faultIn({ name: 'a', exact: true })?.path, '.exact')
    // @ts-expect-error: `last` is missing.
    const first = oneOf<Limits['order']>({ first: true })
    assert.equal(first.faultIn('last')?.expected, 'one of "first"')
    // @ts-expect-error: a shape of some members is none of them all.
    const orders = list<Limits['order']>(oneOf<'first'>({ first: true }))
    assert.equal(orders.faultIn(['first', 'last'])?.path, '[1]')
  })

  it('of a union asks for the fields of the kind that is there', () => {
    const schemaOf = (type: unknown) => ({ fields: [{ name: 'a', type }] })
    const decimal = { kind: 'DECIMAL', precision: 4, scale: 2, nullable: true }
    const sound: Schema[] = [schemaOf(decimal) as Schema]
    assert.deepEqual(sound.map(SCHEMA.faultIn), [null])
    const path = (type: unknown) => SCHEMA.faultIn(schemaOf(type))?.path
    assert.equal(path({ ...decimal, scale: '2' }), '.fields[0].type.scale')
    assert.equal(path({ kind: 'INT', nullable: true, scale: 2 }), '.fields[0].type.scale')
    assert.equal(path({ kind: 'constructor', nullable: true }), '.fields[0].type.kind')
  })
})

describe('an operator factory', () => {
  it('refuses a malformed configuration by operator and path, for its states as for its creation', () => {
    let made = 0
    const factory = operatorFactory<Limits>({
      parse: configParser(LIMITS),
      states: () => [],
      create: () => {
        made++
        return null as never
      },
    })
    const context = { subtask: { operatorName: 'Limit[3]' } } as OperatorContext
    const refused = (error: unknown) =>
      isMillraceError(error) &&
      error.code === 'OPERATOR_CONFIG_INVALID' &&
      error.location?.operator === 'Limit[3]' &&
      error.message ===
        "Submit the job again: 'rowsMax' of operator 'Limit[3]' should be a whole number from 0; it is \"3\"."
    assert.throws(() => factory.create({ ...whole, rowsMax: '3' }, context), refused)
    assert.throws(() => factory.states({ ...whole, rowsMax: '3' }, 'Limit[3]'), refused)
    factory.create(whole, context)
    assert.equal(made, 1)
  })
})
