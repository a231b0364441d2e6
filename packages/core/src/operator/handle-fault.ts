/** What is wrong with a handle that came in over a border; shared by all kinds of handles. */
import type { KeyGroupRange } from '../id/key-group.ts'

export function faultInHandle(handle: unknown): string | null {
  if (!isRecord(handle)) return `its handle is ${shown(handle)}`
  const { kind, size, crc32 } = handle
  if (kind !== 'inline' && kind !== 'file') return `its handle's kind is ${shown(kind)}`
  if (!isCount(size) || !isCount(crc32)) return `size or checksum is ${shown([size, crc32])}`
  const where = kind === 'inline' ? handle.bytes : handle.path
  return typeof where === 'string' ? null : `its ${kind} handle leads to ${shown(where)}`
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

export function shown(value: unknown): string {
  return (JSON.stringify(value) ?? 'absent').slice(0, 100)
}

export function isRange(range: unknown): range is KeyGroupRange {
  if (!isRecord(range)) return false
  const { start, end } = range
  return isCount(start) && isCount(end) && start <= end
}
