/**
 * Tasks inside one slot, in this thread: the executor, chains, checkpoints, failures, cancellation.
 */
import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import type { CheckpointOrder, OperatorStateHandles } from '@millrace/core'
import type { JobVertex } from '@millrace/graph'
import type { TaskDeployment } from '@millrace/protocol'
import { reassignState } from '@millrace/state'
import type { FromSlot } from '../slot/slot-messages.ts'
import { deploymentsOf, pause, until, vertexOf } from '../testing/test-cluster.ts'
import { TestSlot } from '../testing/test-slot.ts'

let slot: TestSlot
let acknowledgedFirst: (FromSlot & { kind: 'acknowledge' })[] = []
afterEach(() => slot.close())

const endless = ['sequence', { batchRows: 10, keyCount: 7 }] as const
const bounded = (count: number) => ['sequence', { count, batchRows: 10, keyCount: 7 }] as const
const CHECKPOINTING = { checkpointing: { mode: 'exactly-once', directory: '' } } as const
/** Nothing is written there: all states are small. */
const SAVEPOINT = '/nowhere/savepoint'
const HASH = { kind: 'hash', keyColumns: [0] } as const

function cut(
  vertices: JobVertex[],
  extra: Partial<TaskDeployment> = {},
  attempt = 0,
): TaskDeployment[] {
  const places = Array.from({ length: 4 }, () => slot.place)
  return deploymentsOf(vertices, HASH, places, extra, attempt)
}

const idsOf = (deployments: TaskDeployment[]): string[] =>
  deployments.map(({ attemptId }) => attemptId)
const sourcesOf = (deployments: TaskDeployment[]): string[] =>
  idsOf(deployments.filter(({ gates }) => gates.length === 0))

function trigger(
  deployments: TaskDeployment[],
  checkpointId: number,
  aligned = true,
  after: CheckpointOrder['after'] = 'go-on',
): void {
  slot.send({
    kind: 'trigger',
    order: {
      id: checkpointId,
      timestampMs: Date.now(),
      kind: after === 'go-on' ? 'checkpoint' : { savepoint: SAVEPOINT, format: 'canonical' },
      align: aligned ? 'exactly-once' : 'at-least-once',
      after,
    },
    attemptIds: sourcesOf(deployments),
  })
}

const acknowledged = (checkpointId: number) =>
  slot.received('acknowledge').filter((each) => each.checkpointId === checkpointId)

/** The lines that the `flushing` sink keeps as its state. */
function logOf(state: unknown, operatorId: string): string[] {
  const handles = (state as Record<string, OperatorStateHandles>)[operatorId]
  const handle = handles!.parts[0]!.handle as { bytes: string }
  const text = Buffer.from(handle.bytes, 'base64').toString('latin1')
  return text.match(/(rows|prepared|prepare|snapshot|wait|watermark|input|end) \d+/g) ?? []
}

describe('an operator that chooses its inputs', () => {
  it('gets the one that it names, also while it is blocked, and the other afterwards', async () => {
    slot = await TestSlot.start()
    const join = vertexOf('join', 1, ['build-first'], false)
    const [first] = join.operators
    const both = { ...join, operators: [{ ...first!, inputs: [{ gate: 0 }, { gate: 1 }] }] }
    const [build, joined] = cut([vertexOf('build', 1, [bounded(30)], true), both], CHECKPOINTING)
    const [probe, other] = cut([vertexOf('probe', 1, [bounded(30)], true), both], CHECKPOINTING)
    const gates = [joined!.gates[0]!, { ...other!.gates[0]!, gate: 1 }]
    const deployments = [build!, probe!, { ...joined!, gates }]
    await slot.run(deployments)
    await until(() => slot.received('state').filter(({ ended }) => ended).length === 3)
    trigger(deployments, 1)
    await until(() => acknowledged(1).length === 3)
    const { state } = acknowledged(1).find(({ attemptId }) => attemptId.includes('join'))!
    const log = logOf(state, 'join-0').filter((line) => line.startsWith('input'))
    assert.deepEqual(log, ['input 0', 'input 0', 'input 0', 'input 1', 'input 1', 'input 1'])
  })
})

describe('a checkpoint', () => {
  it('is acknowledged by every subtask, with the state of its operators', async () => {
    slot = await TestSlot.start()
    const deployments = cut(
      [vertexOf('source', 2, [endless], true), vertexOf('sum', 2, ['sum', 'discard'], false)],
      CHECKPOINTING,
    )
    await slot.run(deployments)
    await pause(30)
    trigger(deployments, 1)
    await until(
      () => acknowledged(1).length === 4,
      () => slot.log,
    )
    for (const { attemptId, state, metrics } of acknowledged(1)) {
      const expected = attemptId.includes('source') ? ['source-0'] : ['sum-0']
      assert.deepEqual(Object.keys(state as object), expected)
      assert.ok(metrics.checkpointedBytes > 0)
      assert.ok(metrics.alignmentDurationMs >= 0 && metrics.startDelayMs >= 0)
    }
    trigger(deployments, 2, false)
    await until(() => acknowledged(2).length === 4)
  })

  it('waits for an operator that flushes, and takes no row meanwhile', async () => {
    slot = await TestSlot.start()
    const deployments = cut([vertexOf('source', 1, [endless, 'flushing'], true)], CHECKPOINTING)
    await slot.run(deployments)
    trigger(deployments, 1)
    await until(() => acknowledged(1).length === 1)
    trigger(deployments, 2)
    await until(() => acknowledged(2).length === 1)
    for (const checkpointId of [1, 2]) {
      const log = logOf(acknowledged(checkpointId)[0]!.state, 'source-1')
      assert.deepEqual(log.slice(-3), [
        `prepare ${checkpointId}`,
        `prepared ${checkpointId}`,
        `snapshot ${checkpointId}`,
      ])
      assert.ok(log.slice(0, -3).every((line) => line.startsWith('rows')))
    }
  })

  it('waits behind a batch that an operator keeps in hand, as watermarks do', async () => {
    slot = await TestSlot.start()
    const deployments = cut(
      [vertexOf('source', 1, [endless], true), vertexOf('lookup', 1, ['preparing'], false)],
      CHECKPOINTING,
    )
    await slot.run(deployments)
    const log: string[] = []
    for (let id = 1; !log.includes('wait 10'); id++) {
      trigger(deployments, id)
      await until(() => acknowledged(id).length === 2)
      const { state } = acknowledged(id).find(({ attemptId }) => attemptId.includes('lookup'))!
      log.push(...logOf(state, 'lookup-0'))
      assert.equal(log.at(-1), `snapshot ${id}`)
    }
    log.forEach((line, i) => {
      if (line.startsWith('wait')) assert.match(log[i + 1]!, /^rows/)
      if (line.startsWith('watermark')) assert.match(log[i - 1]!, /^rows/)
    })
  })

  it('is refused a batch in hand inside a chain, where no gate keeps the bytes', async () => {
    slot = await TestSlot.start()
    const deployments = cut([vertexOf('source', 1, [endless, 'preparing'], true)], CHECKPOINTING)
    await slot.deploy(deployments)
    await until(() => slot.received('state').some(({ state }) => state === 'FAILED'))
    const failed = slot.received('state').find(({ state }) => state === 'FAILED')
    assert.match(failed!.error!.message, /has to read gates; input 0 is chained/)
  })

  it('holds coordinator events that came after the trigger until the state is frozen', async () => {
    slot = await TestSlot.start()
    const deployments = cut([vertexOf('source', 1, [endless, 'flushing'], true)], CHECKPOINTING)
    await slot.run(deployments)
    const [attemptId] = idsOf(deployments)
    trigger(deployments, 1)
    slot.send({
      kind: 'operator-event',
      attemptId: attemptId!,
      operatorId: 'source-0',
      event: { seek: 5_000_000 },
    })
    await until(() => acknowledged(1).length === 1)
    trigger(deployments, 2)
    await until(() => acknowledged(2).length === 1)
    assert.ok(positionOf(1) < 5_000_000)
    assert.ok(positionOf(2) >= 5_000_000)
  })

  it('is declined when its state cannot be written, and the task goes on', async () => {
    slot = await TestSlot.start()
    const deployments = cut([vertexOf('source', 1, [endless, 'discard'], true)], {
      checkpointing: { mode: 'exactly-once', directory: '/dev/null/checkpoints' },
      configuration: { 'state.storage.fs.memory-threshold': '0' },
    })
    await slot.run(deployments)
    trigger(deployments, 1)
    await until(() => slot.received('decline').length === 1)
    assert.equal(slot.received('decline')[0]!.error.code, 'STATE_WRITE_FAILED')
    assert.equal(slot.stateOf(idsOf(deployments)[0]!), 'RUNNING')
  })

  it('is taken after the end of the input, and notified before the task finishes', async () => {
    slot = await TestSlot.start()
    const deployments = cut(
      [vertexOf('source', 2, [bounded(100)], true), vertexOf('sum', 1, ['sum', 'collect'], false)],
      CHECKPOINTING,
    )
    await slot.run(deployments)
    const ids = idsOf(deployments)
    await until(() => slot.received('state').filter(({ ended }) => ended).length === 3)
    trigger(deployments, 9)
    await until(
      () => acknowledged(9).length === 3,
      () => slot.log,
    )
    slot.send({ kind: 'notify', checkpointId: 9, outcome: 'complete', attemptIds: ids })
    slot.send({ kind: 'finish', attemptIds: ids, basis: { kind: 'checkpoint' } })
    await until(() => ids.every((id) => slot.stateOf(id) === 'FINISHED'))
    const events = slot.received('operator-event').map(({ event }) => Object.keys(event as object))
    assert.deepEqual(events, [['rows'], ['committed'], ['finished']])
    await until(async () => (await slot.metrics()).segmentsUsed === 0)
  })

  it('that suspends: nothing is fed behind its barrier until it is aborted', async () => {
    slot = await TestSlot.start()
    const deployments = cut(
      [vertexOf('source', 2, [endless], true), vertexOf('sum', 2, ['sum', 'discard'], false)],
      CHECKPOINTING,
    )
    await slot.run(deployments)
    trigger(deployments, 1, true, 'suspend')
    await until(
      () => acknowledged(1).length === 4,
      () => slot.log,
    )
    const rows = async () => {
      const { tasks } = await slot.metrics()
      return tasks.map(({ numRecordsIn, numRecordsOut }) => numRecordsIn + numRecordsOut).join()
    }
    const before = await rows()
    trigger(deployments, 2)
    await pause(30)
    assert.equal(await rows(), before)
    assert.equal(acknowledged(2).filter(({ attemptId }) => attemptId.includes('sum')).length, 0)
    const attemptIds = idsOf(deployments)
    slot.send({ kind: 'notify', checkpointId: 1, outcome: 'aborted', attemptIds })
    await until(() => acknowledged(2).length === 4)
    await until(async () => (await rows()) !== before)
  })

  it('that drains: ends go before its barrier, and the task finishes when it is told to', async () => {
    slot = await TestSlot.start()
    const deployments = cut(
      [vertexOf('source', 2, [endless], true), vertexOf('sum', 1, ['sum', 'flushing'], false)],
      CHECKPOINTING,
    )
    await slot.run(deployments)
    await pause(20)
    trigger(deployments, 1, true, 'drain')
    await until(
      () => acknowledged(1).length === 3,
      () => slot.log,
    )
    for (const { attemptId } of deployments) {
      const own = slot.log.filter((each) => 'attemptId' in each && each.attemptId === attemptId)
      const ended = own.findIndex((each) => each.kind === 'state' && each.ended)
      const written = own.findIndex(({ kind }) => kind === 'acknowledge')
      assert.ok(ended >= 0 && ended < written, `${attemptId} has passed its end on before`)
    }
    assert.equal(slot.received('state').filter(({ ended }) => ended).length, 3)
    const attemptIds = idsOf(deployments)
    slot.send({ kind: 'notify', checkpointId: 1, outcome: 'complete', attemptIds })
    slot.send({ kind: 'finish', attemptIds, basis: { kind: 'checkpoint' } })
    await until(() => attemptIds.every((id) => slot.stateOf(id) === 'FINISHED'))
  })

  it('is never taken by tasks that are deployed to end: they feed nothing and finish', async () => {
    slot = await TestSlot.start()
    const deployments = cut(
      [vertexOf('source', 1, [endless], true), vertexOf('sum', 1, ['sum', 'collect'], false)],
      { ...CHECKPOINTING, suspended: true },
    )
    await slot.run(deployments)
    await pause(20)
    const attemptIds = idsOf(deployments)
    slot.send({ kind: 'finish', attemptIds, basis: { kind: 'checkpoint' } })
    await until(() => attemptIds.every((id) => slot.stateOf(id) === 'FINISHED'))
    const rows = slot.received('operator-event').filter(({ event }) => 'rows' in (event as object))
    assert.deepEqual(rows, [])
  })

  it('restores sources at their position and key groups at another parallelism', async () => {
    slot = await TestSlot.start()
    const vertices = (count: number, parallelism: number) => [
      vertexOf('source', 1, [bounded(count)], true),
      vertexOf('sum', parallelism, ['sum', 'collect'], false),
    ]
    const first = cut(vertices(70, 3), CHECKPOINTING)
    await slot.run(first)
    await until(() => slot.received('state').filter(({ ended }) => ended).length === 4)
    trigger(first, 1)
    await until(() => acknowledged(1).length === 4)
    slot.send({ kind: 'cancel', attemptIds: idsOf(first) })
    await until(() => idsOf(first).every((id) => slot.stateOf(id) === 'CANCELED'))
    acknowledgedFirst = acknowledged(1)
    acknowledgedFirst.sort((a, b) => (a.attemptId < b.attemptId ? -1 : 1))
    slot.log.length = 0

    const second = cut(vertices(140, 2), CHECKPOINTING, 1).map((deployment) => ({
      ...deployment,
      restored: { checkpointId: 1, operators: restoredFor(deployment), channels: [] },
    }))
    await slot.run(second)
    await until(() => slot.received('state').filter(({ ended }) => ended).length === 3)
    const rows = slot
      .received('operator-event')
      .flatMap(({ event }) => (event as { rows: [string, number][] }).rows)
    const expected = new Map<string, number>()
    for (let i = 0; i < 140; i++) {
      expected.set(`key-${i % 7}`, (expected.get(`key-${i % 7}`) ?? 0) + i)
    }
    assert.deepEqual(new Map(rows), expected)
    assert.equal(rows.length, 7)
  })
})

describe('a task', () => {
  it('names the operator that failed, with its cause', async () => {
    slot = await TestSlot.start()
    const deployments = cut([vertexOf('source', 1, [endless, 'forward', 'throw'], true)])
    await slot.deploy(deployments)
    await until(() => slot.stateOf('job_source_0_0') === 'FAILED')
    const { error } = slot.received('state').at(-1)!
    assert.equal(error!.code, 'TASK_FAILED')
    assert.equal(error!.location!.operator, 'throw[2]')
    assert.match(error!.location!.subtask!, /\(1\/1\)$/)
    assert.equal(error!.location!.taskManager, 'tm-test')
    assert.equal(error!.cause!.message, 'the cup is empty')
  })

  it('fails with the nearest name when an operator is not known', async () => {
    slot = await TestSlot.start()
    await slot.deploy(cut([vertexOf('source', 1, [['sequense', {}]], true)]))
    await until(() => slot.stateOf('job_source_0_0') === 'FAILED')
    const { error } = slot.received('state').at(-1)!
    assert.equal(error!.code, 'OPERATOR_UNKNOWN')
    assert.match(error!.hint!, /sequence/)
  })

  it('fails for good, naming operator and field, when a configuration is malformed', async () => {
    slot = await TestSlot.start()
    const config = { batchRows: 10, keyCount: 'many' }
    await slot.deploy(cut([vertexOf('source', 1, [['sequence', config]], true)]))
    await until(() => slot.stateOf('job_source_0_0') === 'FAILED')
    const { error } = slot.received('state').at(-1)!
    assert.deepEqual([error!.code, error!.retry], ['OPERATOR_CONFIG_INVALID', 'never'])
    assert.match(error!.message, /'keyCount' of operator 'sequence\[0\]' .* it is "many"/)
  })

  it('is cancelled, gives its buffers back, and asks for the end of its slot when it cannot', async () => {
    slot = await TestSlot.start({ 'task.cancellation.timeout': '50 ms' })
    const deployments = cut([
      vertexOf('source', 1, [endless], true),
      vertexOf('sink', 1, ['stuck'], false),
    ])
    await slot.run(deployments)
    await until(async () => (await slot.metrics()).segmentsUsed > 0)
    slot.send({ kind: 'cancel', attemptIds: idsOf(deployments) })
    await until(() => idsOf(deployments).every((id) => slot.stateOf(id) === 'CANCELED'))
    await until(async () => (await slot.metrics()).segmentsUsed === 0)

    const stubborn = cut([vertexOf('stubborn', 1, [endless, 'never-closes'], true)])
    await slot.run(stubborn)
    slot.send({ kind: 'cancel', attemptIds: idsOf(stubborn) })
    await until(() => slot.received('fatal').length === 1)
    assert.equal(slot.received('fatal')[0]!.error.code, 'TASK_CANCELLATION_TIMEOUT')
  })

  it('feeds every branch of a chain that forks', async () => {
    slot = await TestSlot.start()
    const vertex = vertexOf('source', 1, [bounded(70), 'sum', 'collect'], true)
    const fork: JobVertex = {
      ...vertex,
      operators: [
        ...vertex.operators,
        { ...vertex.operators[2]!, id: 'source-3', name: 'collect[3]', inputs: [0] },
      ],
    }
    await slot.run(cut([fork]))
    await until(() => slot.received('state').some(({ ended }) => ended))
    const rowsOf = (operatorId: string): number =>
      slot
        .received('operator-event')
        .filter((each) => each.operatorId === operatorId)
        .reduce((sum, { event }) => sum + (event as { rows: unknown[] }).rows.length, 0)
    assert.equal(rowsOf('source-2'), 7)
    assert.equal(rowsOf('source-3'), 70)
  })
})

function positionOf(checkpointId: number): number {
  const { state } = acknowledged(checkpointId)[0]!
  const handle = (state as Record<string, OperatorStateHandles>)['source-0']!.parts[0]!.handle
  const text = Buffer.from((handle as { bytes: string }).bytes, 'base64').toString('latin1')
  return Number(/\d{2,}/.exec(text)?.[0] ?? 0)
}

/** What checkpoint 1 holds for the operators of `deployment`, cut for its subtask. */
function restoredFor(deployment: TaskDeployment): Record<string, OperatorStateHandles> {
  const { vertex } = deployment
  const states = acknowledgedFirst.filter(({ attemptId }) => attemptId.includes(`_${vertex.id}_`))
  const operators = vertex.operators.map(({ id, name }) => ({
    operatorId: id,
    operatorName: name,
    parallelism: states.length,
    maxParallelism: vertex.maxParallelism,
    subtasks: states.map(
      ({ state }) => (state as Record<string, OperatorStateHandles>)[id] ?? null,
    ),
  }))
  const reassigned = reassignState({ operators } as never, [vertex], {
    ignoreUnclaimedState: false,
  })
  return Object.fromEntries(
    [...reassigned].map(([id, subtasks]) => [id, subtasks[deployment.subtaskIndex] as never]),
  )
}
