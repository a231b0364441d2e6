/**
 * A plan as a file: what `--shrink` writes and `--plan` runs again, whole — cluster, job, input,
 * faults, planted bug.
 *
 * JSON with what JSON lacks spelled out (BIGINT, Infinity, -0). Invariant: decoding gives the
 * very plan that was encoded, or throws SIMULATE_PLAN_INVALID; a checksum tells a damaged or
 * edited file, so that a run from it never passes for the run that was recorded.
 */
import { crc32 } from 'node:zlib'
import { isMillraceError, type MillraceError } from '@millrace/core'
import { simulationError } from '../error-codes.ts'
import type { RunPlan } from './run-plan.ts'

/** Raised when a plan of before can no longer be run. */
const FORMAT = 'millrace-simulation-plan/5'

export interface PlanFile {
  readonly plan: RunPlan
  /** The bug on purpose that it needs to fail; null: none. */
  readonly plant: string | null
  /** Of the code that it was written with; empty when unknown. */
  readonly commit: string
  /** What running it gave. */
  readonly outcome: { readonly checkers: readonly string[]; readonly digest: string }
}

export function encodePlanFile({ plan, plant, commit, outcome }: PlanFile): string {
  const content = { plant, commit, outcome, plan: spelledOut(plan) }
  return `${JSON.stringify({ format: FORMAT, crc32: checksum(content), ...content }, null, 1)}\n`
}

/** `file`: its name, for errors. Throws SIMULATE_PLAN_INVALID. */
export function decodePlanFile(text: string, file: string): PlanFile {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (cause) {
    throw planInvalid(`Use a whole plan file: this is no JSON (${(cause as Error).message}).`, {
      file,
      cause,
    })
  }
  const { format, crc32: expected, ...content } = (parsed ?? {}) as Record<string, unknown>
  if (format !== FORMAT) {
    const found = format === undefined ? 'it has none' : `it is ${JSON.stringify(format)}`
    throw planInvalid(`Use a plan of format '${FORMAT}': ${found}.`, { file })
  }
  const found = checksum(content)
  if (found !== expected) {
    throw planInvalid(
      `Use the plan as it was written: its checksum is ${found}, not ${JSON.stringify(expected)}.`,
      { file },
    )
  }
  return readBack(content) as PlanFile
}

/** For a plan that is not there, is damaged, or is not one that this code can run. */
export function planInvalid(
  message: string,
  { file, cause, commit = '' }: { file: string; cause?: unknown; commit?: string },
): MillraceError {
  if (isMillraceError(cause)) return cause
  const written = commit === '' ? '' : `check out ${commit}, which wrote it, or `
  const hint = `Take another file, or ${written}write it anew with --seed N --shrink.`
  return simulationError('SIMULATE_PLAN_INVALID', message, { hint, location: { file }, cause })
}

function checksum(content: object): string {
  return crc32(JSON.stringify(content)).toString(16).padStart(8, '0')
}

type Spelled = { readonly $bigint: string } | { readonly $number: string }

function spelledOut(value: unknown): unknown {
  if (typeof value === 'bigint') return { $bigint: String(value) } satisfies Spelled
  if (typeof value === 'number') {
    if (Number.isFinite(value) && !Object.is(value, -0)) return value
    return { $number: Object.is(value, -0) ? '-0' : String(value) } satisfies Spelled
  }
  if (Array.isArray(value)) return value.map(spelledOut)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, spelledOut(part)]))
}

function readBack(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(readBack)
  if (typeof value !== 'object' || value === null) return value
  if ('$bigint' in value) return BigInt(value.$bigint as string)
  if ('$number' in value) return Number(value.$number)
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, readBack(part)]))
}
