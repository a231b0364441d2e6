/**
 * SimulatedObjectStore: one object store for all hosts, and its client in one process,
 * behind the port.
 *
 * A request travels, is executed at an event of its own, and its answer travels back through the
 * process. What is executed is strongly consistent; whether and when a request is executed is what
 * the faults change. Invariant: a put is executed at most once, and only while the version that it
 * names is the current one.
 */
import {
  type ObjectStore,
  type ObjectStores,
  platformError,
  type StoredObject,
} from '@millrace/platform'
import type { SeededRandom } from '../../world/seeded-random.ts'
import type { ProcessWorld, SimulatedProcess } from '../../world/simulated-process.ts'
import { InjectedFaults } from '../injected-faults.ts'
import {
  type CausedObjectStoreFault,
  NO_OBJECT_STORE_FAULTS,
  type ObjectStoreFaultRates,
} from './object-store-faults.ts'
import { ObjectTable } from './object-table.ts'

/** Mean of what a request takes on top of the least. */
const REQUEST_MS = 4
const REQUEST_LEAST_MS = 1
const BYTES_PER_MS = 100_000
const SLOW_REQUEST_MS = 1500
const SLOW_LIST_MS = 5000
/** A client gives up on a store that it cannot reach, or that does not answer, after that. */
const GIVE_UP_AFTER_MS = 4000
/** Mean time after the client has given up until a late write is executed. */
const LATE_MS = 8000

export class SimulatedObjectStore {
  readonly world: ProcessWorld
  readonly random: SeededRandom
  readonly faults: InjectedFaults<keyof ObjectStoreFaultRates, CausedObjectStoreFault>
  readonly table = new ObjectTable()
  /** Whether a host can reach the store. */
  isReachable: (host: string) => boolean = () => true
  /** How far a listing may be behind writes that no `get` has shown. */
  listLagMs = 0
  /** Writes under way, by key. */
  readonly #underWay = new Map<string, number>()

  constructor(world: ProcessWorld & { readonly random: SeededRandom }) {
    this.world = world
    this.random = world.random.split('object store')
    const random = this.random.split('faults')
    this.faults = new InjectedFaults('object', NO_OBJECT_STORE_FAULTS, random)
  }

  /** The port, for one process. */
  storesOf(process: SimulatedProcess): ObjectStores {
    const random = this.random.split(process.name)
    return {
      open: (location) =>
        new SimulatedObjectStoreClient(this, process, random, `${rootOf(location)}/`),
    }
  }

  /** Keys of a location, ascending. For checkers: takes no time, knows no faults. */
  keys(location: string): string[] {
    const root = `${rootOf(location)}/`
    return this.table
      .keys()
      .filter((key) => key.startsWith(root))
      .map((key) => key.slice(root.length))
  }

  /** An object as it is. For checkers. */
  peek(location: string, key: string): StoredObject | null {
    return this.table.peek(`${rootOf(location)}/${key}`)
  }

  writesUnderWay(key: string): number {
    return this.#underWay.get(key) ?? 0
  }

  countWrite(key: string, change: 1 | -1): void {
    const count = this.writesUnderWay(key) + change
    if (count === 0) this.#underWay.delete(key)
    else this.#underWay.set(key, count)
  }
}

function rootOf(location: string): string {
  const path = location.replace(/^(file|s3):(\/\/(localhost(?=\/))?)?/, '')
  const isBucket = location.startsWith('s3://')
  if (path === '' || (!isBucket && !path.startsWith('/'))) {
    throw platformError(
      'OBJECT_STORE_UNSUPPORTED',
      `Write an absolute path, a file:// or an s3:// URI; the location is '${location}'.`,
    )
  }
  return `${isBucket ? 's3:' : ''}${path.replace(/\/+$/, '')}`
}

type WriteFate = 'executed' | 'lost' | 'answer-lost' | 'late'

interface Request<T> {
  readonly what: 'read' | 'list' | 'write' | 'remove'
  readonly key: string
  readonly bytes: number
  execute(): T
}

class SimulatedObjectStoreClient implements ObjectStore {
  readonly #store: SimulatedObjectStore
  readonly #process: SimulatedProcess
  readonly #random: SeededRandom
  readonly #root: string

  constructor(
    store: SimulatedObjectStore,
    process: SimulatedProcess,
    random: SeededRandom,
    root: string,
  ) {
    this.#store = store
    this.#process = process
    this.#random = random
    this.#root = root
  }

  async get(key: string): Promise<StoredObject | null> {
    const { table } = this.#store
    const path = this.#path(key)
    const bytes = table.peek(path)?.bytes.length ?? 0
    return this.#send({ what: 'read', key: path, bytes, execute: () => table.get(path) })
  }

  async putIf(key: string, bytes: Uint8Array, expected: string | null): Promise<string | null> {
    const { table, world } = this.#store
    const path = this.#path(key)
    const copy = bytes.slice()
    return this.#send({
      what: 'write',
      key: path,
      bytes: copy.length,
      execute: () => table.putIf(path, copy, expected, world.nowMs),
    })
  }

  async list(prefix: string): Promise<string[]> {
    const { table, world } = this.#store
    const path = `${this.#root}${prefix}`
    const keys = await this.#send({
      what: 'list',
      key: path,
      bytes: 0,
      execute: () => table.list(path, world.nowMs, this.#store.listLagMs),
    })
    return keys.map((key) => key.slice(this.#root.length))
  }

  async remove(key: string): Promise<void> {
    const { table, world } = this.#store
    const path = this.#path(key)
    const execute = (): void => table.remove(path, world.nowMs)
    await this.#send({ what: 'remove', key: path, bytes: 0, execute })
  }

  #path(key: string): string {
    if (key.split('/').some((part) => part === '')) {
      throw new Error(`'${key}' is no key of an object`)
    }
    return `${this.#root}${key}`
  }

  #send<T>(request: Request<T>): Promise<T> {
    const { world } = this.#store
    const isWrite = request.what === 'write' || request.what === 'remove'
    const thereMs = this.#process.nowMs - world.nowMs + this.#travelMs(request)
    if (isWrite) this.#store.countWrite(request.key, 1)
    return new Promise((resolve, reject) => {
      const answer = (delayMs: number, settle: () => void): void =>
        void world.after(delayMs, () => this.#process.deliver(settle))
      const fail = (delayMs: number, why: string): void => {
        const error = unavailable(request, why)
        answer(delayMs, () => reject(error))
      }
      world.after(thereMs, () => {
        if (isWrite) this.#store.countWrite(request.key, -1)
        if (!this.#store.isReachable(this.#process.host)) {
          this.#record('unreachable', request)
          fail(GIVE_UP_AFTER_MS, 'the store does not answer')
          return
        }
        // Its process died: it had left, or not.
        if (!this.#process.alive && this.#random.chance(0.5)) return
        if (isWrite) this.#write(request, answer, resolve, fail)
        else if (this.#strikes('readError', request)) fail(this.#backMs(), 'internal error')
        else this.#execute(request, answer, resolve, fail)
      })
    })
  }

  /** Executes the request and answers, if the answer can travel back by then. */
  #execute<T>(
    request: Request<T>,
    answer: (delayMs: number, settle: () => void) => void,
    resolve: (value: T) => void,
    fail: (delayMs: number, why: string) => void,
  ): void {
    const value = request.execute()
    const backMs = this.#backMs()
    this.#store.world.after(backMs, () => {
      if (this.#store.isReachable(this.#process.host)) answer(0, () => resolve(value))
      else {
        this.#record('answerLost', request)
        fail(GIVE_UP_AFTER_MS, 'the connection was lost')
      }
    })
  }

  #write<T>(
    request: Request<T>,
    answer: (delayMs: number, settle: () => void) => void,
    resolve: (value: T) => void,
    fail: (delayMs: number, why: string) => void,
  ): void {
    const fate = this.#fateOf(request)
    if (fate === 'executed') {
      this.#execute(request, answer, resolve, fail)
    } else if (fate === 'lost') {
      fail(this.#backMs(), 'internal error')
    } else if (fate === 'answer-lost') {
      request.execute()
      fail(this.#backMs(), 'the connection was lost')
    } else {
      fail(GIVE_UP_AFTER_MS, 'the store does not answer')
      const lateMs = GIVE_UP_AFTER_MS + this.#store.faults.random.exponential(LATE_MS)
      this.#store.world.after(lateMs, () => {
        const took = request.execute()
        const about = took === null ? 'its version is no longer the current one' : 'takes effect'
        this.#record('lateExecution', request, about)
      })
    }
  }

  #fateOf(request: Request<unknown>): WriteFate {
    const isContended = this.#store.writesUnderWay(request.key) > 0
    if (isContended && this.#strikes('contention', request)) return 'lost'
    if (this.#strikes('lostWrite', request)) return 'lost'
    if (this.#strikes('errorAfterWrite', request)) return 'answer-lost'
    const late = request.what === 'write' ? 'latePut' : 'lateRemoval'
    return this.#strikes(late, request) ? 'late' : 'executed'
  }

  #travelMs(request: Request<unknown>): number {
    const ms = this.#backMs() + request.bytes / BYTES_PER_MS
    if (request.what === 'list' && this.#strikes('slowList', request)) {
      return ms + this.#store.faults.random.exponential(SLOW_LIST_MS)
    }
    if (!this.#strikes('slowRequest', request)) return ms
    return ms + this.#store.faults.random.exponential(SLOW_REQUEST_MS)
  }

  #backMs(): number {
    return REQUEST_LEAST_MS + this.#random.exponential(REQUEST_MS / 2)
  }

  #strikes(fault: keyof ObjectStoreFaultRates, request: Request<unknown>): boolean {
    return this.#store.faults.strikes(fault, this.#process, `${request.what} ${request.key}`)
  }

  #record(fault: CausedObjectStoreFault, request: Request<unknown>, about = ''): void {
    const text = `${request.what} ${request.key} ${about}`
    this.#store.faults.record(fault, this.#process, text.trimEnd())
  }
}

function unavailable(request: Request<unknown>, why: string): Error {
  return platformError(
    'OBJECT_STORE_UNAVAILABLE',
    `Cannot ${request.what} '${request.key}': ${why}.`,
  )
}
