/** CPU time and memory of processes, from the operating system's own accounting (Linux). */
import { readFileSync } from 'node:fs'

const TICKS_PER_SECOND = 100

/** User and system CPU seconds of a process with all its threads. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

function statusBytes(pid: number, field: string): number {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024
}

/** Resident now. */
export const residentBytes = (pid: number): number => statusBytes(pid, 'VmRSS')
/** Largest resident size so far. */
export const peakResidentBytes = (pid: number): number => statusBytes(pid, 'VmHWM')
