/**
 * Who replays what: the elements under way of a checkpoint dealt out to the subtasks of perhaps
 * another parallelism. Pure.
 *
 * Elements go to the consumers of the edge on which they were: by key, each to the owner of its key
 * group, where rows lie by key; the channels of a former consumer to one of the new ones otherwise.
 * Invariant: every row is replayed by exactly one subtask.
 */
import {
  type ChannelPart,
  type ChannelStateHandle,
  type KeyGroupRange,
  keyGroupRangeOf,
  type RestoredChannel,
} from '@millrace/core'
import type { ChannelEdge, InFlightManifest } from '../checkpoint/in-flight-manifest.ts'
import { stateError } from '../error-codes.ts'
import { IGNORE_UNCLAIMED_STATE } from '../state-options.ts'

/** Vertex id → for each subtask what it replays, in order. */
export type ReassignedChannels = ReadonlyMap<string, readonly (readonly RestoredChannel[])[]>

/** Throws CHANNEL_STATE_UNCLAIMED. */
export function reassignChannels(
  inFlight: InFlightManifest,
  edges: readonly ChannelEdge[],
  options: {
    readonly ignoreUnclaimedState: boolean
    /** Which operator takes over from which (`claimsOf`); absent: each from itself. */
    readonly claims?: ReadonlyMap<string, string>
  },
): ReassignedChannels {
  const claims = claimEdges(inFlight.edges, edges, options.claims ?? new Map())
  const reassigned = new Map<string, RestoredChannel[][]>()
  for (const old of inFlight.edges) {
    const stored = new StoredEdge(old, inFlight)
    if (stored.isEmpty) continue
    const edge = claims.get(old)
    if (edge !== undefined) addEdge(reassigned, stored, edge)
    else if (!options.ignoreUnclaimedState) throw unclaimed(old)
  }
  return reassigned
}

/** Those on which something was. */
export function heldEdges(inFlight: InFlightManifest): ChannelEdge[] {
  return inFlight.edges.filter((edge) => !new StoredEdge(edge, inFlight).isEmpty)
}

interface RestoredStream {
  readonly piece: RestoredChannel['pieces'][number]
  readonly keyGroups: KeyGroupRange | null
}

/** Elements of one edge, by who wrote them. */
class StoredEdge {
  readonly edge: ChannelEdge
  readonly #inFlight: InFlightManifest

  constructor(edge: ChannelEdge, inFlight: InFlightManifest) {
    this.edge = edge
    this.#inFlight = inFlight
  }

  get isEmpty(): boolean {
    for (let consumer = 0; consumer < this.edge.consumers; consumer++) {
      if (this.restored(consumer).length > 0) return false
      for (let producer = 0; producer < this.edge.producers; producer++) {
        if (this.channel(producer, consumer).length > 0) return false
      }
    }
    return true
  }

  /** Streams that the consumer itself was replaying, with the key groups that it read of them. */
  restored(consumer: number): RestoredStream[] {
    const { vertexId, gate, channel } = this.edge.target
    const stored = this.#of(vertexId, consumer)
    if (stored === null) return []
    return stored.parts.flatMap((part) => {
      if (part.from !== 'restored' || part.gate !== gate || part.channel !== channel) return []
      const { name, keyGroups } = part
      return [{ piece: { handle: stored.handle, name }, keyGroups }]
    })
  }

  /** The pieces of one channel: what had come, then what had not been sent. */
  channel(producer: number, consumer: number): RestoredChannel['pieces'] {
    const { source, target } = this.edge
    const received = this.#pieces(this.#of(target.vertexId, consumer), (part) => {
      if (part.from !== 'input' || part.gate !== target.gate) return false
      return part.channel === target.channel + producer
    })
    const unsent = this.#pieces(this.#of(source.vertexId, producer), (part) => {
      if (part.from !== 'output' || part.edge !== source.edge) return false
      return part.subpartition === consumer
    })
    return [...received, ...unsent]
  }

  #of(vertexId: string, subtask: number): ChannelStateHandle | null {
    return this.#inFlight.vertices[vertexId]?.[subtask] ?? null
  }

  #pieces(
    stored: ChannelStateHandle | null,
    isMeant: (part: ChannelPart) => boolean,
  ): RestoredChannel['pieces'] {
    if (stored === null) return []
    const { handle } = stored
    return stored.parts.filter(isMeant).map(({ name }) => ({ handle, name }))
  }
}

function addEdge(
  reassigned: Map<string, RestoredChannel[][]>,
  stored: StoredEdge,
  { target, consumers }: ChannelEdge,
): void {
  const { vertexId, gate, channel } = target
  let subtasks = reassigned.get(vertexId)
  if (subtasks === undefined) {
    subtasks = Array.from({ length: consumers }, () => [])
    reassigned.set(vertexId, subtasks)
  }
  const { edge: old } = stored
  for (const [subtask, channels] of subtasks.entries()) {
    const formers = Array.from({ length: old.consumers }, (_, former) => former)
    // What was being replayed then comes before what had come by then.
    for (const former of formers) {
      for (const { piece, keyGroups } of stored.restored(former)) {
        const share = shareOf(old, { former, keyGroups }, subtask, consumers)
        if (share !== null) channels.push({ gate, channel, ...share, pieces: [piece] })
      }
    }
    for (const former of formers) {
      const share = shareOf(old, { former, keyGroups: null }, subtask, consumers)
      if (share === null) continue
      for (let producer = 0; producer < old.producers; producer++) {
        const pieces = stored.channel(producer, former)
        if (pieces.length > 0) channels.push({ gate, channel, ...share, pieces })
      }
    }
  }
}

/**
 * What `subtask` takes of the rows that were on their way to `former`, or of those that it read of
 * a stream with others'; null: nothing.
 */
function shareOf(
  { partitioning, target, consumers }: ChannelEdge,
  {
    former,
    keyGroups: read,
  }: { readonly former: number; readonly keyGroups: KeyGroupRange | null },
  subtask: number,
  parallelism: number,
): { readonly keyed: RestoredChannel['keyed'] } | null {
  if (partitioning.kind !== 'hash') {
    return former % parallelism === subtask ? { keyed: null } : null
  }
  const { maxParallelism } = target
  const keyGroups = overlap(
    read ?? keyGroupRangeOf(former, consumers, maxParallelism),
    keyGroupRangeOf(subtask, parallelism, maxParallelism),
  )
  if (keyGroups === null) return null
  return { keyed: { columns: partitioning.keyColumns ?? [], maxParallelism, keyGroups } }
}

function overlap(a: KeyGroupRange, b: KeyGroupRange): KeyGroupRange | null {
  const start = Math.max(a.start, b.start)
  const end = Math.min(a.end, b.end)
  return start <= end ? { start, end } : null
}

/**
 * Which edge of the job takes over which of the checkpoint: the one between the same operators, or
 * else the only one that carries the same from the same operator.
 */
function claimEdges(
  stored: readonly ChannelEdge[],
  edges: readonly ChannelEdge[],
  operators: ReadonlyMap<string, string>,
): Map<ChannelEdge, ChannelEdge> {
  const claims = new Map<ChannelEdge, ChannelEdge>()
  const free = new Set(edges)
  const asNow = new Map(stored.map((old) => [old, betweenTakers(old, operators)]))
  for (const [old, meant] of asNow) {
    const same = [...free].find((edge) => carryAlike(meant, edge) && readAlike(meant, edge))
    if (same === undefined) continue
    claims.set(old, same)
    free.delete(same)
  }
  const left = [...asNow].filter(([old]) => !claims.has(old))
  for (const [old, meant] of left) {
    const others = left.filter(([, other]) => carryAlike(meant, other))
    const [only, ...more] = [...free].filter((edge) => carryAlike(meant, edge))
    if (only !== undefined && more.length === 0 && others.length === 1) claims.set(old, only)
  }
  return claims
}

/** The edge with the ids of those who take over from its operators. */
function betweenTakers(
  { source, target, ...edge }: ChannelEdge,
  operators: ReadonlyMap<string, string>,
): ChannelEdge {
  const takerOf = <T extends { readonly operatorId: string }>(end: T): T => {
    return { ...end, operatorId: operators.get(end.operatorId) ?? end.operatorId }
  }
  return { ...edge, source: takerOf(source), target: takerOf(target) }
}

/** From the same operator, and rows of the same kind in the same way. */
function carryAlike(a: ChannelEdge, b: ChannelEdge): boolean {
  if (a.source.operatorId !== b.source.operatorId) return false
  if (JSON.stringify(a.type) !== JSON.stringify(b.type)) return false
  if (a.partitioning.kind !== 'hash' && b.partitioning.kind !== 'hash') return true
  return (
    a.target.maxParallelism === b.target.maxParallelism &&
    JSON.stringify(a.partitioning) === JSON.stringify(b.partitioning)
  )
}

function readAlike({ target: a }: ChannelEdge, { target: b }: ChannelEdge): boolean {
  return a.operatorId === b.operatorId && a.input === b.input
}

function unclaimed({ source, target }: ChannelEdge): Error {
  return stateError(
    'CHANNEL_STATE_UNCLAIMED',
    `The checkpoint holds rows on their way from operator ${source.operatorId} to ` +
      `${target.operatorId}; the job has no edge like that one.`,
    {
      hint:
        'Restore the job that wrote it; a savepoint that is taken of it then holds no such rows. ' +
        `Or drop them with '${IGNORE_UNCLAIMED_STATE.key}' = 'true'.`,
      location: { optionKey: IGNORE_UNCLAIMED_STATE.key },
    },
  )
}
