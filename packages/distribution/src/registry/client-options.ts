/** Options of commands that wait for a cluster. */
import { option } from '@millrace/core'

export const CLIENT_OPTIONS = {
  timeout: option.duration({
    key: 'client.timeout',
    defaultValue: 15 * 60_000,
    min: 1000,
    description:
      'How long commands (savepoint, stop, checkpoint, rescale, cancel) and STOP JOB … WITH SAVEPOINT wait while nothing moves; the time counts anew with each step forward. What they asked for goes on without them.',
  }),
} as const
