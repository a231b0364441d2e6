/**
 * What `execution.checkpointing.unaligned.forced` does to a job, said when it starts. Pure.
 *
 * Elsewhere it lifts a refusal: of unaligned checkpoints for jobs with iterations or partitioners
 * of their own. There are neither here, so there is nothing to force; what stays aligned, forced or
 * not, is named.
 */
import type { Configuration } from '@millrace/core'
import type { JobGraph } from '@millrace/graph'
import { CheckpointingOptions as Options } from '../jobmanager-options.ts'
import { whyAligned } from '../scheduler/channel-edges.ts'

/** Null: nobody asked for it. */
export function aboutForced(configuration: Configuration, graph: JobGraph): string | null {
  if (!configuration.get(Options.unalignedForced)) return null
  const key = `'${Options.unalignedForced.key}'`
  if (!configuration.get(Options.unalignedEnabled)) {
    return `${key} changes nothing: checkpoints are aligned without '${Options.unalignedEnabled.key}'.`
  }
  const aligned = graph.vertices.flatMap(({ id, name }) => {
    const why = whyAligned(graph, id)
    return why === null ? [] : [`'${name}' (${why})`]
  })
  const all = 'every task takes its checkpoints unaligned as it is'
  const some = `what reads a forward or broadcast edge stays aligned: ${aligned.join(', ')}`
  return `${key} changes nothing: ${aligned.length === 0 ? all : some}.`
}
