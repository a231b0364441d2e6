/** The SQL gateway's configuration options. */
import { option } from '@millrace/core'

export const GATEWAY_OPTIONS = {
  sessionIdleTimeout: option.duration({
    key: 'sql-gateway.session.idle-timeout',
    defaultValue: 600_000,
    description: 'A session without a request for this long is closed; 0 keeps it for ever.',
  }),
  sessionsMax: option.int({
    key: 'sql-gateway.session.max-num',
    defaultValue: 1_000_000,
    description: 'How many sessions may be open at once.',
  }),
  collectRememberedRowsMax: option.int({
    key: 'table.exec.collect.remembered-rows-max',
    defaultValue: 1_000_000,
    description:
      'Rows of a SELECT that were shown before the checkpoint behind them is complete and are remembered, so that a ' +
      'restart shows none twice; after more, a restart ends the query.',
  }),
  dmlSync: option.boolean({
    key: 'table.dml-sync',
    defaultValue: false,
    description: 'Whether an INSERT statement waits until its job has ended.',
  }),
} as const
