/**
 * Errors of `simulate`: what is wrong with a job, its inputs, settings or plan file before any
 * fault strikes.
 */
import { defineErrors } from '@millrace/core'

export const { error: simulationError, declarations: SIMULATION_ERRORS } = defineErrors({
  SIMULATE_INPUT_INVALID: {
    domain: 'user',
    retry: 'never',
    description:
      'An input of `simulate` names no table or topic of the job, is missing, or has a row that does not fit its table.',
  },
  SIMULATE_JOB_INVALID: {
    domain: 'user',
    retry: 'never',
    description:
      'The job of `simulate` has no INSERT or several, does not plan, or reads or writes what cannot be simulated.',
  },
  SIMULATE_OPTION_INVALID: {
    domain: 'user',
    retry: 'never',
    description: 'A setting of `simulate` (seeds, faults, cluster) does not fit.',
  },
  SIMULATE_PLAN_INVALID: {
    domain: 'user',
    retry: 'never',
    description:
      'A plan file of `npm run simulate -- --plan` is missing, damaged, edited, or of code that ran other plans.',
  },
  SIMULATED_TASK_FAILURE: {
    domain: 'external',
    retry: 'backoff',
    description: 'A task of a simulated job failed on purpose.',
  },
  SIMULATE_REFERENCE_FAILED: {
    domain: 'user',
    retry: 'never',
    description:
      'The job fails, does not come to rest or writes nothing in the run without faults: there is nothing to compare with.',
  },
})
