/** Ours: what a job would start from, before it is submitted. */
export interface RestorePlanAnswer {
  readonly path: string
  /** Of the job that wrote it. */
  readonly 'job-id': string
  readonly 'checkpoint-id': number
  readonly 'is-savepoint': boolean
  /** When it was triggered, epoch ms. */
  readonly timestamp: number
  readonly restored: readonly {
    readonly id: string
    readonly name: string
    /** Its name when the state was written. */
    readonly from: string
    readonly 'filter-changed': boolean
    /** A line each: what of its state begins empty, is dropped, becomes wider. */
    readonly changes: readonly string[]
    /** Columns of its tables that are stored, by table; null: the checkpoint does not say. */
    readonly columns: Readonly<Record<string, readonly string[]>> | null
  }[]
  /** Keep state and find none. */
  readonly empty: readonly { readonly id: string; readonly name: string }[]
  /** State that is dropped. */
  readonly unclaimed: readonly {
    readonly id: string
    readonly name: string
    readonly why: string
  }[]
}

/** A line each for people: what it restores from, who restores, who starts empty, what is lost. */
export function describeRestorePlan(plan: RestorePlanAnswer): string[] {
  const kind = plan['is-savepoint'] ? 'savepoint' : 'checkpoint'
  const taken = new Date(plan.timestamp).toISOString().slice(0, 19).replace('T', ' ')
  const lines = [`Starts from ${kind} ${plan.path} of job ${plan['job-id']}, taken ${taken} UTC:`]
  for (const { name, from, ...operator } of plan.restored) {
    const before = from === name ? '' : `, as ${from} stored it`
    const changed = operator['filter-changed'] ? ', although its filter is another now' : ''
    const { changes } = operator
    const verb = changes.length === 0 ? 'restores      ' : 'changes       '
    lines.push(`  ${verb}${name}${before}${changed}${changes.length === 0 ? '' : ':'}`)
    for (const change of changes) lines.push(`                  ${change}`)
  }
  for (const { name } of plan.empty) lines.push(`  starts empty  ${name}: nothing is stored for it`)
  for (const { name, why } of plan.unclaimed) {
    lines.push(...`  dropped       ${name}: ${why}`.split('\n'))
  }
  return lines
}
