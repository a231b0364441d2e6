/**
 * Watches a cluster from outside, as an operator would: who leads by the lease, what the leader
 * says of the job over REST, what a read_committed reader gets.
 *
 * Times of state changes are the JobManager's own (the same machine's wall clock); what a poll
 * missed in between shows in its restart counter.
 */
import { type JobDetail, RestClient } from '@millrace/rest-api'
import type { Leader, LocalCluster } from '../../packages/distribution/src/cluster/local-cluster.ts'
import type { SteadyLoad } from './load.ts'
import type { Observed } from './recovery.ts'

const POLL_MS = 40
const REQUEST_TIMEOUT_MS = 2000
const LEADER_TIMEOUT_MS = 60_000
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

export class Observer {
  readonly events: Observed[] = []
  readonly #cluster: LocalCluster
  readonly #load: SteadyLoad
  readonly #log: (text: string) => void
  #leader: Leader | null = null
  #leaderEnds = new AbortController()
  #jobId: string | null = null
  #detail: JobDetail | null = null
  #ledFromMs = 0
  #lastState = ''
  #lastRestarts = 0
  #closed = false
  #polling: Promise<unknown> = Promise.resolve()

  constructor(cluster: LocalCluster, load: SteadyLoad, log: (text: string) => void) {
    this.#cluster = cluster
    this.#load = load
    this.#log = log
  }

  /** Who led last; the process may have gone meanwhile. */
  get leader(): Leader {
    return this.#leader as Leader
  }

  get epoch(): number {
    return this.#leader?.record.epoch ?? 0
  }

  /** What the leader said last of the job. */
  get detail(): JobDetail | null {
    return this.#detail
  }

  get isRunning(): boolean {
    return this.#lastState === `${this.epoch} RUNNING`
  }

  rest(): RestClient {
    const signal = this.#leaderEnds.signal
    return new RestClient(`http://${this.leader.record.restAddress}`, (url, init) =>
      fetch(url, {
        ...init,
        signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
      }),
    )
  }

  start(jobId: string): void {
    this.#jobId = jobId
    this.#polling = Promise.all([
      this.#forever(() => this.#pollLeader()),
      this.#forever(() => this.#pollJob()),
    ])
  }

  /** Another job, which goes on from the one so far. */
  follow(jobId: string): void {
    this.#jobId = jobId
    this.#detail = null
    this.#lastState = ''
    this.#lastRestarts = 0
  }

  /** Rejects with what kept it from finding one. */
  async awaitLeader(): Promise<void> {
    const deadlineMs = Date.now() + LEADER_TIMEOUT_MS
    while (this.#leader === null && !this.#closed) {
      let cause: unknown = new Error('The lease names nobody of this cluster.')
      await this.#pollLeader().catch((error) => {
        cause = error
      })
      if (this.#leader === null && Date.now() > deadlineMs) {
        throw new Error(`Nobody led within ${LEADER_TIMEOUT_MS / 1000} s.`, { cause })
      }
      await sleep(POLL_MS)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#leaderEnds.abort()
    await this.#polling
  }

  /** Rows that the reader just got. */
  outputArrived(lines: readonly string[]): void {
    const atMs = Date.now()
    const last = lines.at(-1) as string
    const end = /"window_end":"([^"]+)"/.exec(last)?.[1]
    if (end === undefined) throw new Error(`The output has a row without a window: ${last}`)
    const lagMs = this.#load.lagOf(Date.parse(`${end}Z`), atMs)
    this.events.push({ kind: 'output', atMs, lagMs })
  }

  async #forever(poll: () => Promise<void>): Promise<void> {
    while (!this.#closed) {
      // A leader that is gone or hangs does not answer; the lease tells who is next.
      await poll().catch(() => {})
      await sleep(POLL_MS)
    }
  }

  async #pollLeader(): Promise<void> {
    const leader = await this.#cluster.leader()
    if (leader === null || leader.record.epoch <= this.epoch) return
    this.#leaderEnds.abort()
    this.#leaderEnds = new AbortController()
    this.#leader = leader
    this.#lastRestarts = 0
    const atMs = Date.now()
    this.#ledFromMs = atMs
    const { epoch } = leader.record
    this.events.push({ kind: 'leader', atMs, epoch })
    this.#log(`${leader.process.name} leads under epoch ${epoch}`)
  }

  async #pollJob(): Promise<void> {
    const { epoch } = this
    const jobId = this.#jobId as string
    const detail = await this.rest().jobDetail(jobId)
    if (epoch !== this.epoch || jobId !== this.#jobId) return
    this.#detail = detail
    if (detail.restarts > this.#lastRestarts && detail.state === 'RUNNING') {
      this.#note(epoch, 'RESTARTING', detail)
    }
    this.#lastRestarts = detail.restarts
    this.#note(epoch, detail.state, detail)
  }

  #note(epoch: number, state: JobDetail['state'], detail: JobDetail): void {
    if (this.#lastState === `${epoch} ${state}`) return
    this.#lastState = `${epoch} ${state}`
    // A new leader had the job in hand a moment before its lease was seen here.
    const atMs = Math.max(this.#ledFromMs, detail.timestamps[state])
    this.#insert({ kind: 'state', atMs, epoch, state })
    const reason = detail['status-reason']
    this.#log(`job is ${state}${reason === null || state === 'RUNNING' ? '' : `: ${reason}`}`)
  }

  /** In order of time: rows may have come between a change and the poll that saw it. */
  #insert(event: Observed): void {
    let at = this.events.length
    while (at > 0 && (this.events[at - 1] as Observed).atMs > event.atMs) at--
    this.events.splice(at, 0, event)
  }
}
