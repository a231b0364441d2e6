/** What became of an operator's states from one savepoint or checkpoint to another. Pure. */
import { formatType, operatorIdentity, type Schema } from '@millrace/core'
import { claimState } from '../restore/claim-state.ts'
import type {
  InspectedCheckpoint,
  InspectedOperator,
  InspectedState,
} from './inspect-checkpoint.ts'

export interface ComparedState {
  readonly name: string
  readonly kind: InspectedState['kind']
  /** Null: there is no such state. */
  readonly before: InspectedState | null
  readonly after: InspectedState | null
  /** Of states by key that both have: what of the columns differs, in words. */
  readonly schemaChanges: readonly string[]
}

export interface ComparedOperator {
  /** As it is in the second, or else in the first. */
  readonly id: string
  readonly name: string
  readonly before: InspectedOperator | null
  readonly after: InspectedOperator | null
  readonly states: readonly ComparedState[]
}

export interface ComparedCheckpoints {
  readonly before: InspectedCheckpoint
  readonly after: InspectedCheckpoint
  readonly operators: readonly ComparedOperator[]
}

/** Operators are matched as a restore would, then by what their state is made of. */
export function compareCheckpoints(
  before: InspectedCheckpoint,
  after: InspectedCheckpoint,
): ComparedCheckpoints {
  const left = [...before.operators]
  const matched = new Map<InspectedOperator, InspectedOperator>()
  const claims = claimState(before.operators, after.operators)
  const matching = [
    (a: InspectedOperator, b: InspectedOperator) => claims.get(a.id) === b.id,
    (a: InspectedOperator, b: InspectedOperator) =>
      operatorIdentity(a.id) === operatorIdentity(b.id),
  ]
  for (const isSame of matching) {
    for (const operator of after.operators) {
      if (matched.has(operator)) continue
      const at = left.findIndex((candidate) => isSame(candidate, operator))
      if (at >= 0) matched.set(operator, left.splice(at, 1)[0] as InspectedOperator)
    }
  }
  return {
    before,
    after,
    operators: [
      ...after.operators.map((operator) => compared(matched.get(operator) ?? null, operator)),
      ...left.map((operator) => compared(operator, null)),
    ],
  }
}

function compared(
  before: InspectedOperator | null,
  after: InspectedOperator | null,
): ComparedOperator {
  const { id, name } = (after ?? before) as InspectedOperator
  const keys = new Set([...(after?.states ?? []), ...(before?.states ?? [])].map(keyOf))
  const find = (states: readonly InspectedState[] | undefined, key: string) =>
    states?.find((state) => keyOf(state) === key) ?? null
  const states = [...keys].map((key): ComparedState => {
    const [was, is] = [find(before?.states, key), find(after?.states, key)]
    const state = (is ?? was) as InspectedState
    const schemaChanges = changesOf(was?.schema ?? null, is?.schema ?? null)
    return { name: state.name, kind: state.kind, before: was, after: is, schemaChanges }
  })
  return { id, name, before, after, states }
}

const keyOf = ({ kind, name }: InspectedState): string => `${kind} ${name}`

function changesOf(before: Schema | null, after: Schema | null): string[] {
  if (before === null || after === null) return []
  const was = new Map(before.fields.map(({ name, type }) => [name, formatType(type)]))
  const is = new Map(after.fields.map(({ name, type }) => [name, formatType(type)]))
  const removed = [...was].flatMap(([name, type]) => (is.has(name) ? [] : [`-${name} ${type}`]))
  const changed = [...is].flatMap(([name, type]) => {
    const earlier = was.get(name)
    if (earlier === type) return []
    return [earlier === undefined ? `+${name} ${type}` : `${name} ${earlier} → ${type}`]
  })
  return [...removed, ...changed]
}
