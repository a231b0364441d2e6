/** Faults of what is stored: the disk that all hosts share, and the object store beside it. */
import type { DiskFaultRates } from '../platform/filesystem/disk-faults.ts'
import type { SimulatedDisk } from '../platform/filesystem/simulated-disk.ts'
import type { ObjectStoreFaultRates } from '../platform/object-store/object-store-faults.ts'
import type { SimulatedObjectStore } from '../platform/object-store/simulated-object-store.ts'
import type { LocalDiskFaultRates, LocalDisks } from '../platform/simulated-temporary-files.ts'
import type { FaultClass } from './fault.ts'
import type { ApplyFault } from './fault-engine.ts'

export function diskFaults(disk: SimulatedDisk): [FaultClass, ApplyFault][] {
  const rated = (kinds: readonly (keyof DiskFaultRates)[], most: number): ApplyFault => {
    return (fault) => {
      const rate = 0.02 + fault.amount * most
      const before = disk.faults.rates
      disk.faults.rates = { ...before, ...Object.fromEntries(kinds.map((kind) => [kind, rate])) }
      const hasStruck = counter(disk.faults.counts, kinds)
      return {
        hasStruck,
        about: `${kinds.join(', ')} in ${Math.round(rate * 100)} % of calls`,
        end: () => {
          const zero = Object.fromEntries(kinds.map((kind) => [kind, 0]))
          disk.faults.rates = { ...disk.faults.rates, ...zero }
        },
      }
    }
  }
  return [
    [
      'disk-full',
      (fault) => {
        disk.quotaBytes = disk.usedBytes + Math.round(fault.amount * 2000)
        return {
          hasStruck: counter(disk.faults.counts, ['diskFull']),
          about: `${disk.quotaBytes} bytes fit, ${disk.usedBytes} are used`,
          end: () => void (disk.quotaBytes = Number.POSITIVE_INFINITY),
        }
      },
    ],
    ['disk-slow', rated(['slowOperation', 'slowSync'], 0.4)],
    ['read-error', rated(['readError', 'shortRead'], 0.3)],
    ['write-error', rated(['writeError', 'syncError'], 0.2)],
    ['corrupted-read', corrupted(disk)],
  ]
}

/** Long enough for what was spoiled to be read again. */
const SOUND_AFTERWARDS_MS = 1000

/**
 * One wrong bit: reading again tells it from a damaged file. So one is all that there is at a time,
 * and a while passes before the next: three in a row would be a damaged file.
 */
function corrupted(disk: SimulatedDisk): ApplyFault {
  const { faults, world } = disk
  return (fault) => {
    const isWaiting = faults.rates.corruptedRead > 0 && faults.limits.get('corruptedRead') !== 0
    const lastMs = faults.lastMs.get('corruptedRead') ?? Number.NEGATIVE_INFINITY
    if (isWaiting || world.nowMs < lastMs + SOUND_AFTERWARDS_MS) return null
    const rate = 0.1 + fault.amount * 0.6
    faults.rates = { ...faults.rates, corruptedRead: rate }
    faults.limits.set('corruptedRead', 1)
    return {
      about: `one of the next reads, ${Math.round(rate * 100)} % each`,
      hasStruck: counter(faults.counts, ['corruptedRead']),
      end: () => void (faults.rates = { ...faults.rates, corruptedRead: 0 }),
    }
  }
}

/**
 * Faults of each host's own disk, which has state beyond memory: what strikes ends the task, and
 * the job goes back to its checkpoint. `lose` takes a process with its files away.
 */
export function localDiskFaults(
  { faults }: LocalDisks,
  lose: ApplyFault,
): [FaultClass, ApplyFault][] {
  const rated = (kinds: readonly (keyof LocalDiskFaultRates)[], most: number): ApplyFault => {
    return (fault) => {
      const rate = 0.005 + fault.amount * fault.amount * most
      const changed = (value: number) => ({
        ...faults.rates,
        ...Object.fromEntries(kinds.map((kind) => [kind, value])),
      })
      faults.rates = changed(rate)
      return {
        about: `${kinds.join(', ')} in ${(rate * 100).toFixed(1)} % of calls`,
        hasStruck: counter(faults.counts, kinds),
        end: () => void (faults.rates = changed(0)),
      }
    }
  }
  return [
    ['local-disk-full', rated(['full'], 1)],
    ['local-read-error', rated(['readError', 'shortRead'], 0.5)],
    ['local-damage', rated(['damagedRead'], 0.5)],
    ['local-disk-lost', lose],
  ]
}

/** Faults of the object store: writes that are lost, done and denied, or done much later. */
export function storeFaults(store: SimulatedObjectStore): [FaultClass, ApplyFault][] {
  const rated = (kinds: readonly (keyof ObjectStoreFaultRates)[]): ApplyFault => {
    return (fault) => {
      const rate = 0.1 + fault.amount * 0.6
      const changed = (value: number) => ({
        ...store.faults.rates,
        ...Object.fromEntries(kinds.map((kind) => [kind, value])),
      })
      store.faults.rates = changed(rate)
      return {
        hasStruck: counter(store.faults.counts, kinds),
        about: `${kinds.join(', ')} in ${Math.round(rate * 100)} % of requests`,
        end: () => void (store.faults.rates = changed(0)),
      }
    }
  }
  return [
    ['store-write-lost', rated(['lostWrite', 'contention'])],
    ['store-false-error', rated(['errorAfterWrite'])],
    ['store-late-write', rated(['latePut', 'lateRemoval', 'slowRequest'])],
    ['store-read-error', rated(['readError', 'slowList'])],
  ]
}

/** Whether any of `kinds` has been counted since now. */
function counter<K>(counts: ReadonlyMap<K, number>, kinds: readonly K[]): () => boolean {
  const sum = () => kinds.reduce((total, kind) => total + (counts.get(kind) ?? 0), 0)
  const before = sum()
  return () => sum() > before
}
