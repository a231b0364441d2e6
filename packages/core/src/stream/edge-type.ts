/**
 * EdgeType: what travels on an edge of a JobGraph, as plain data.
 *
 * In every edge and deployment; both ends of a channel make their codec of it. Columns are
 * described by their schema, objects of a DataStream job will be by the serializer that their
 * artifact holds.
 */
import { type BatchCodec, columnCodec } from '../batch/batch-codec.ts'
import { coreError } from '../error-codes.ts'
import type { Schema } from '../types/logical-type.ts'

export type EdgeType =
  | { readonly kind: 'columns'; readonly schema: Schema }
  | { readonly kind: 'objects'; readonly serializer: SerializerRef }

/** An export of one of the job's artifacts. */
export interface SerializerRef {
  readonly artifact: string
  readonly export: string
}

/** Throws EDGE_TYPE_UNSUPPORTED. */
export function codecOf(type: EdgeType): BatchCodec {
  if (type.kind === 'columns') return columnCodec(type.schema)
  throw coreError(
    'EDGE_TYPE_UNSUPPORTED',
    `Send columns: this version has no codec for edges of ${type.kind}.`,
  )
}
