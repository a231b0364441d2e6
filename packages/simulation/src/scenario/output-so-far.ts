/**
 * OutputSoFar: what a sink shows at a moment, and what it has written and not committed yet, so
 * that with the committables of a checkpoint the output up to that checkpoint is known, row by
 * row.
 */
import { decodeCommittable } from '@millrace/connector-kafka/protocol'
import { isHidden } from '../checkers/exactly-once-files.ts'
import {
  OUTPUT_DIRECTORY,
  type SimulatedEnvironment,
} from '../environment/simulated-environment.ts'
import { OUTPUT_NAME, type SinkConnector } from '../workload/workload.ts'

export interface OutputSoFar {
  /** For good. */
  readonly lines: readonly string[]
  /** By transaction, or by path of a hidden file. */
  readonly uncommitted: ReadonlyMap<string, readonly string[]>
}

/** `printed`: what the processes printed. */
export function outputSoFar(
  { broker, disk }: SimulatedEnvironment,
  sink: SinkConnector,
  printed: readonly string[],
): OutputSoFar {
  const uncommitted = new Map<string, string[]>()
  if (sink === 'print') return { lines: [...printed], uncommitted }
  if (sink === 'kafka') return topicSoFar(broker)
  const lines: string[] = []
  const decoder = new TextDecoder()
  for (const { path } of disk.files(`${OUTPUT_DIRECTORY}/${OUTPUT_NAME}`)) {
    const text = decoder.decode(disk.bytesOf(path))
    const own = text.split('\n').filter((line) => line !== '')
    if (isHidden(path.slice(path.lastIndexOf('/') + 1))) uncommitted.set(path, own)
    else lines.push(...own)
  }
  return { lines, uncommitted }
}

function topicSoFar({ inspect }: SimulatedEnvironment['broker']): OutputSoFar {
  const lines: string[] = []
  const uncommitted = new Map<string, string[]>()
  // The marker is still to come, and will.
  const decided = inspect.openTransactions().filter(({ status }) => status === 'PrepareCommit')
  const committing = new Set(decided.map(nameOf))
  for (const { value, outcome, ...producer } of inspect.records(OUTPUT_NAME)) {
    const name = nameOf(producer)
    if (outcome !== 'open' || committing.has(name)) lines.push(value)
    else uncommitted.set(name, [...(uncommitted.get(name) ?? []), value])
  }
  return { lines, uncommitted }
}

function nameOf({ producerId, epoch }: { producerId: number; epoch: number }): string {
  return `${producerId}/${epoch}`
}

/** With what these committables commit. */
export function outputUpTo(
  { lines, uncommitted }: OutputSoFar,
  sink: SinkConnector,
  committables: readonly Uint8Array[],
): string[] {
  const names = committables.map((bytes) => nameIn(sink, bytes))
  return [...lines, ...names.flatMap((name) => uncommitted.get(name) ?? [])]
}

/** By name, those of the committables that are not committed. */
export function stillUncommitted(
  { uncommitted }: OutputSoFar,
  sink: SinkConnector,
  committables: readonly Uint8Array[],
): string[] {
  const names = committables.map((bytes) => nameIn(sink, bytes))
  return names.filter((name) => (uncommitted.get(name) ?? []).length > 0)
}

function nameIn(sink: SinkConnector, committable: Uint8Array): string {
  if (sink === 'kafka') return nameOf(producerOf(committable))
  return (JSON.parse(new TextDecoder().decode(committable)) as { readonly pending: string }).pending
}

function producerOf(bytes: Uint8Array): { producerId: number; epoch: number } {
  const { producerId, epoch } = decodeCommittable(bytes)
  return { producerId: Number(producerId), epoch }
}
