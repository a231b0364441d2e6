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

/** How often each value stands in each group, as DISTINCT has it. */
export const VALUES_BY_GROUP: StateTableSpec = {
  ...GROUPS,
  name: 'values',
  sub: {
    columns: { fields: [{ name: 'v', type: { kind: 'BIGINT', nullable: true } }] },
    ordered: true,
  },
  value: { fields: GROUPS.value.fields.slice(0, 1) },
}
