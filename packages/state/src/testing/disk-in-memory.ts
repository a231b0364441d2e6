/** A disk backend over files in memory, for tests: how it works is under their hand. */
import { growArray } from '@millrace/core'
import type { TemporaryFile, TemporaryFiles } from '@millrace/platform'
import { DiskKeyedState } from '../disk/disk-keyed-state.ts'
import { StateMemory } from '../disk/state-memory.ts'
import { ResidentKeyedState } from '../table/resident-keyed-state.ts'
import { MAX_PARALLELISM } from './state-table-fuzz.ts'

/** In memory; counts what is open and what it takes. */
export class CountedFiles implements TemporaryFiles {
  readonly defaultDirectory = '/tmp'
  open = 0
  written = 0
  reads = 0
  failsWith: string | null = null
  /** One bit of whatever is read is wrong. */
  damages = false

  create(): TemporaryFile {
    const files = this
    let bytes = new Uint8Array(1024)
    let size = 0
    let isOpen = true
    files.open++
    return {
      get size() {
        return size
      },
      append(more) {
        const { failsWith } = files
        if (failsWith !== null) throw Object.assign(new Error(failsWith), { code: failsWith })
        if (size + more.length > bytes.length) bytes = growArray(bytes, size + more.length)
        bytes.set(more, size)
        size += more.length
        files.written += more.length
      },
      read(into, position) {
        files.reads++
        if (position + into.length > size) throw new Error('the file ends early')
        into.set(bytes.subarray(position, position + into.length))
        const at = into.length >> 1
        if (files.damages) into[at] = (into[at] as number) ^ 4
      },
      close() {
        if (isOpen) files.open--
        isOpen = false
      },
    }
  }
}

export interface Opened {
  readonly state: DiskKeyedState
  readonly files: CountedFiles
  /** Runs what was put off; gives how many steps there were. */
  readonly work: () => number
}

export const clock = { nowMs: 5 }

/** What was put off is done as soon as the test waits for something. */
export function openWorking(): DiskKeyedState {
  const { state, work } = openDisk(16 * 1024, undefined, () => queueMicrotask(work))
  return state
}

export function openDisk(
  bytes = 16 * 1024,
  now = () => clock.nowMs,
  putOff = (): void => {},
): Opened {
  const files = new CountedFiles()
  const waiting: (() => boolean)[] = []
  const state = new DiskKeyedState({
    maxParallelism: MAX_PARALLELISM,
    nowMs: now,
    files,
    directory: '/local',
    memory: new StateMemory(bytes),
    background: (step) => {
      waiting.push(step)
      putOff()
    },
    tracksChanges: true,
  })
  const work = (): number => {
    let steps = 0
    for (let step = waiting.pop(); step !== undefined; step = waiting.pop()) {
      do steps++
      while (step())
    }
    return steps
  }
  return { state, files, work }
}

export const openResident = () =>
  new ResidentKeyedState({
    maxParallelism: MAX_PARALLELISM,
    nowMs: () => clock.nowMs,
    tracksChanges: true,
  })
