/** What tests and benchmarks of both backends measure. */
import type { StateTableSpec } from '@millrace/core'

/** A BIGINT key with a count and a sum, as GROUP BY has it. */
export const GROUPS: StateTableSpec = {
  name: 'groups',
  key: { fields: [{ name: 'k', type: { kind: 'BIGINT', nullable: true } }] },
  sub: null,
  value: {
    fields: [
      { name: 'n', type: { kind: 'DOUBLE', nullable: false } },
      { name: 's', type: { kind: 'BIGINT', nullable: false } },
    ],
  },
  ttlMs: 0,
}
