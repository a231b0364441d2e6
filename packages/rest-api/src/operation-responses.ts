/**
 * Answers about operations that take their time: a trigger gives an id, a status what became
 * of it.
 */
import { type ErrorData, fromErrorData, type MillraceError } from '@millrace/core'
import { errorAnswer, errorDataOf } from './error-answer.ts'
import { restError } from './error-codes.ts'
import { serializedThrowable } from './serialized-throwable.ts'

export type SavepointFormatType = 'CANONICAL' | 'NATIVE'

/** Which kind of checkpoint is asked for. */
export type CheckpointType = 'CONFIGURED' | 'FULL' | 'INCREMENTAL'

export interface TriggerAnswer {
  readonly 'request-id': string
}

export interface FailureCause {
  readonly class: string
  readonly 'stack-trace': string
  /** For clients of the reference; base64. */
  readonly 'serialized-throwable': string
}

export interface AsyncOperationAnswer {
  readonly status: { readonly id: 'IN_PROGRESS' | 'COMPLETED' }
  /** Null while it is in progress. */
  readonly operation: {
    /** Of a savepoint: its directory. */
    readonly location?: string
    /** Of a checkpoint. */
    readonly checkpointId?: number
    readonly 'failure-cause'?: FailureCause
  } | null
}

/** The error as the reference shows a throwable; `failureOf` gives it back. */
export function failureCause(error: ErrorData): FailureCause {
  const className = 'MillraceException'
  const stackTrace = errorAnswer(error).errors[0] as string
  const message = `${className}: [${error.code}] ${error.message}`
  return {
    class: className,
    'stack-trace': stackTrace,
    'serialized-throwable': serializedThrowable({ className, message, stackTrace }),
  }
}

/** What it failed with; null: it went well, or is in progress. */
export function failureOf({ operation }: AsyncOperationAnswer): MillraceError | null {
  const cause = operation?.['failure-cause']
  if (cause === undefined) return null
  const error = errorDataOf({ errors: [cause['stack-trace']] })
  if (error !== null) return fromErrorData(error)
  return restError('OPERATION_FAILED', `The cluster says: ${cause['stack-trace']}`)
}
