/**
 * DeploymentRound: what lives from one deployment of a job's tasks to the next — the execution
 * graph at the parallelism that was decided for it, and whether its tasks were told to finish.
 *
 * What a job is beyond its rounds is in `JobState`. Vertices that a failure did not touch go on in
 * the next round, as the same objects. `Rounds` makes them; `TaskReports` writes `finishing`.
 */
import type { ExecutionGraph } from '../execution-graph/execution-graph.ts'

export class DeploymentRound {
  readonly graph: ExecutionGraph
  /** All input is processed and durable. */
  finishing = false

  constructor(graph: ExecutionGraph) {
    this.graph = graph
  }
}
