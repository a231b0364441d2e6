/**
 * Shape<T>: what plain data from elsewhere must look like to be a T, and where it does not.
 *
 * Stands where stored or sent data becomes typed: the configurations of operators. It checks and
 * copies nothing, once, when something is created, never a record. Invariant: a shape says all of
 * its type: `record` is keyed by the interface and `oneOf` and `variants` by the union, so that a
 * new field or member without a shape does not compile.
 */

export interface ShapeFault {
  /** From the root, e.g. `.aggregates[0].function`; empty: the root itself. */
  readonly path: string
  readonly expected: string
  readonly found: string
}

export interface Shape<T> {
  /** The first thing that keeps `value` from being a T; null when it is one. */
  faultIn(value: unknown): ShapeFault | null
  /** Never there: makes a shape of one type no shape of a wider or a narrower one. */
  readonly type?: (value: T) => T
}

/** A field that may be absent. */
export interface OptionalShape<T> {
  readonly optional: Shape<T>
}

/** A shape for each field of T; `optional` where T may lack it. */
export type FieldShapes<T> = {
  readonly [K in keyof T]-?: Record<never, never> extends Pick<T, K>
    ? OptionalShape<Exclude<T[K], undefined>>
    : Shape<T[K]>
}

function simple<T>(expected: string, holds: (value: unknown) => boolean): Shape<T> {
  return {
    faultIn: (value) => (holds(value) ? null : { path: '', expected, found: shown(value) }),
  }
}

/** Whatever it is: its owner reads it. */
export const anything: Shape<unknown> = simple('anything', () => true)
export const text: Shape<string> = simple('a text', (value) => typeof value === 'string')
export const flag: Shape<boolean> = simple('true or false', (v) => typeof v === 'boolean')
export const finite: Shape<number> = simple('a finite number', (v) => Number.isFinite(v))
/** A count, or a place in a list. */
export const natural: Shape<number> = simple(
  'a whole number from 0',
  (value) => Number.isSafeInteger(value) && (value as number) >= 0,
)
/** What JSON holds without objects and lists. */
export const scalar: Shape<boolean | number | string | null> = simple(
  'a text, a number, true, false or null',
  (value) => value === null || ['boolean', 'number', 'string'].includes(typeof value),
)

export function constant<const T extends string | boolean>(only: T): Shape<T> {
  return simple(shown(only), (value) => value === only)
}

/** One of the texts that T lists. */
export function oneOf<T extends string>(members: Readonly<Record<T, true>>): Shape<T> {
  const names = Object.keys(members)
  const expected = `one of ${names.map(shown).join(', ')}`
  return simple(expected, (value) => typeof value === 'string' && names.includes(value))
}

export function nullable<T>(shape: Shape<T>): Shape<T | null> {
  return { faultIn: (value) => (value === null ? null : shape.faultIn(value)) }
}

export function optional<T>(shape: Shape<T>): OptionalShape<T> {
  return { optional: shape }
}

/** For a type that contains itself. */
export function later<T>(shape: () => Shape<T>): Shape<T> {
  return { faultIn: (value) => shape().faultIn(value) }
}

export function list<T>(item: Shape<T>): Shape<readonly T[]> {
  return {
    faultIn(value) {
      if (!Array.isArray(value)) return { path: '', expected: 'a list', found: shown(value) }
      for (let i = 0; i < value.length; i++) {
        const fault = item.faultIn(value[i])
        if (fault !== null) return { ...fault, path: `[${i}]${fault.path}` }
      }
      return null
    },
  }
}

/** An object with these fields and no other: what this version does not know, it does not obey. */
export function record<T extends object>(fields: FieldShapes<T>): Shape<T> {
  return recordBeside(new Map(Object.entries(fields)), null)
}

/** A record for each `kind`. */
export function variants<T extends { readonly kind: string }>(
  kinds: {
    readonly [K in T['kind']]: FieldShapes<Omit<Extract<T, { readonly kind: K }>, 'kind'>>
  },
): Shape<T> {
  const records = new Map(
    Object.entries(kinds).map(([kind, fields]) => [
      kind,
      recordBeside<T>(new Map(Object.entries(fields as FieldMap)), 'kind'),
    ]),
  )
  const expected = `one of ${[...records.keys()].map(shown).join(', ')}`
  return {
    faultIn(value) {
      if (!isObject(value)) return { path: '', expected: 'an object', found: shown(value) }
      const { kind } = value
      const shape = typeof kind === 'string' ? records.get(kind) : undefined
      if (shape === undefined) return { path: '.kind', expected, found: shown(kind) }
      return shape.faultIn(value)
    },
  }
}

type FieldMap = Readonly<Record<string, Shape<never> | OptionalShape<never>>>

function recordBeside<T>(
  fields: ReadonlyMap<string, unknown>,
  discriminator: string | null,
): Shape<T> {
  const shapes = [...fields] as [string, Shape<unknown> | OptionalShape<unknown>][]
  return {
    faultIn(value) {
      if (!isObject(value)) return { path: '', expected: 'an object', found: shown(value) }
      for (const [name, shape] of shapes) {
        const field = value[name]
        if ('optional' in shape && field === undefined) continue
        const fault = ('optional' in shape ? shape.optional : shape).faultIn(field)
        if (fault !== null) return { ...fault, path: `.${name}${fault.path}` }
      }
      for (const [name, field] of Object.entries(value)) {
        if (fields.has(name) || name === discriminator || field === undefined) continue
        return { path: `.${name}`, expected: 'absent', found: shown(field) }
      }
      return null
    },
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const SHOWN_MAX = 80

/** The value as text, cut; nothing of what is inside of objects and lists, which may be secret. */
function shown(value: unknown): string {
  if (value === undefined) return 'missing'
  if (Array.isArray(value)) return 'a list'
  if (isObject(value)) return 'an object'
  const whole = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return whole.length <= SHOWN_MAX ? whole : `${whole.slice(0, SHOWN_MAX)}…`
}
