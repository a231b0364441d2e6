/**
 * What a checkpoint's manifest says of elements that were under way between subtasks: by whom they
 * were written, and the edges as the round had them that took the checkpoint.
 */
import type { ChannelStateHandle, EdgeType } from '@millrace/core'

/** An edge of a job as a round runs it. */
export interface ChannelEdge {
  readonly source: {
    readonly vertexId: string
    readonly operatorId: string
    /** Number of the output in its vertex. */
    readonly edge: number
  }
  readonly target: {
    readonly vertexId: string
    /** Who reads the gate, the first of them, and as which of its inputs. */
    readonly operatorId: string
    readonly input: number
    readonly gate: number
    /** The edge's first one in the gate. */
    readonly channel: number
    readonly maxParallelism: number
  }
  readonly type: EdgeType
  readonly partitioning: {
    readonly kind: 'forward' | 'hash' | 'rebalance' | 'broadcast'
    readonly keyColumns?: readonly number[]
  }
  readonly producers: number
  readonly consumers: number
}

export interface InFlightManifest {
  readonly edges: readonly ChannelEdge[]
  /** Vertex id → one entry a subtask; null: nothing. */
  readonly vertices: Readonly<Record<string, readonly (ChannelStateHandle | null)[]>>
}
