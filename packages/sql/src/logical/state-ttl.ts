/**
 * `STATE_TTL` hints: how long the state of one query block's operators lives, instead of
 * `table.exec.state.ttl`.
 *
 * A hint names what stands in FROM: by its alias, or else the table's, view's or WITH's own name.
 * It reaches GROUP BY and DISTINCT of its own block, not into views and sub-queries; what keeps no
 * state, and windows, which end by themselves, it leaves alone.
 */
import { parseDurationMs } from '@millrace/core'
import { raise } from '../error-codes.ts'
import type { FromSyntax, OptionSyntax, SelectSyntax } from '../parse/syntax-tree.ts'
import type { LogicalNode, StateTtl } from './logical-plan.ts'

/** Null: the block has none. Throws SQL_INVALID for a name or a time that is none. */
export function stateTtlOf(select: SelectSyntax): StateTtl | null {
  const { stateTtl, from } = select
  const name = from === null ? null : nameOf(from)
  const [first] = stateTtl.map((entry) => checked(entry, name))
  return first ?? null
}

/** The group aggregate in hand with the time to live of its block. */
export function withStateTtl(node: LogicalNode, ttl: StateTtl | null): LogicalNode {
  return node.kind === 'aggregate' && ttl !== null ? { ...node, stateTtl: ttl } : node
}

function checked({ key, keySpan, value, valueSpan }: OptionSyntax, name: string | null): StateTtl {
  if (key !== name) {
    throw raise(
      'SQL_INVALID',
      keySpan,
      `The hint STATE_TTL names '${key}', which is not in FROM of this SELECT.`,
      name === null ? 'There is no name in FROM: give it an alias.' : `There is: '${name}'.`,
    )
  }
  const ms = parseDurationMs(value)
  if (ms === null || ms < 0) {
    throw raise(
      'SQL_INVALID',
      valueSpan,
      `Write a time to live such as '1 d', '12 h' or '0 s' (for ever); found '${value}'.`,
    )
  }
  return { input: key, text: value, ms }
}

function nameOf(from: FromSyntax): string | null {
  if (from.alias !== null) return from.alias.name
  if (from.kind === 'subquery') return null
  if (from.kind === 'window') return nameOf(from.input)
  return from.name.parts.at(-1)?.name ?? null
}
