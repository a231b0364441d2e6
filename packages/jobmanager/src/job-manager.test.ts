/**
 * Whole jobs among fake TaskManagers on a manual clock: scheduling, failures, lost TaskManagers,
 * fencing, cancellation, ends.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import { MillraceError } from '@millrace/core'
import {
  CHECKPOINTED,
  ClusterHarness,
  edge,
  JOB_ID,
  pipeline,
  vertex,
} from './testing/cluster-harness.ts'
import { settle } from './testing/manual-clock.ts'

const external = new MillraceError('KAFKA_DOWN', { domain: 'external', retry: 'backoff' }, 'Down.')
const malformed = new MillraceError('BAD_RECORD', { domain: 'data', retry: 'never' }, 'Bad.')

test('Several edges into one gate are one row of channels', async () => {
  const cluster = new ClusterHarness()
  await cluster.start(3, 3)
  const graph = pipeline(2)
  await cluster.submit({
    ...graph,
    vertices: [...graph.vertices, vertex('other', 3)],
    edges: [...graph.edges, edge('other', 'sink')],
  })
  const tasks = cluster.taskManagers.flatMap((each) => [...each.tasks.values()])
  const sink = tasks.find((task) => task.vertex.name === 'sink' && task.subtaskIndex === 1)
  assert.equal(sink?.gates.length, 1)
  const channels = sink!.gates[0]!.channels
  assert.deepEqual(
    channels.map(({ channelIndex, subpartition }) => [channelIndex, subpartition]),
    [0, 1, 2, 3, 4].map((index) => [index, 1]),
  )
  assert.equal(new Set(channels.map(({ producerAttemptId }) => producerAttemptId)).size, 5)
})

test('A job runs with one slot per subtask number, spread over the TaskManagers', async () => {
  const cluster = new ClusterHarness()
  await cluster.start(3, 3)
  const job = await cluster.submit(pipeline(3))
  assert.equal(job.state, 'RUNNING')
  const [first, second] = cluster.taskManagers
  assert.equal(cluster.tasks().length, 6)
  assert.deepEqual([first?.tasks.size, second?.tasks.size].sort(), [2, 4])
  assert.deepEqual(cluster.jobManager.slotPool.counts(), { total: 6, free: 3 })
  const sink = [...(first?.tasks.values() ?? [])].find(({ vertex }) => vertex.name === 'sink')
  assert.equal(sink?.gates[0]?.channels.length, 3)
  assert.deepEqual(
    sink?.gates[0]?.channels.map((channel) => channel.subpartition),
    [sink?.subtaskIndex, sink?.subtaskIndex, sink?.subtaskIndex],
  )
  const channel = sink?.gates[0]?.channels[0]
  assert.match(channel?.dataAddress ?? '', /^tm-\d:data-\d$/)
  assert.equal(job.statusReason(), null)
})

test('A job waits for slots, says so, and starts when a TaskManager comes', async () => {
  const cluster = new ClusterHarness()
  await cluster.start(2)
  const job = await cluster.submit(pipeline(3))
  await cluster.clock.advance(252_000)
  assert.equal(job.state, 'CREATED')
  assert.equal(job.statusReason(), 'needs 3 slots, 2 registered, waiting 4:12 of 5:00')
  await cluster.addTaskManager(1)
  await settle()
  assert.equal(job.state, 'RUNNING')
})

test('After the deadline a job without slots fails and says what to do', async () => {
  const cluster = new ClusterHarness({ 'slot.request.timeout': '20 s' })
  await cluster.start(2)
  const job = await cluster.submit(pipeline(3, CHECKPOINTED))
  await cluster.clock.advance(20_000)
  assert.equal(job.state, 'FAILED')
  assert.equal(job.failureCause?.code, 'NOT_ENOUGH_SLOTS')
  assert.match(job.failureCause?.message ?? '', /needs 3 slots, 2 registered/)
  assert.match(job.failureCause?.hint ?? '', /taskmanager/)
  assert.deepEqual(cluster.jobManager.slotPool.counts(), { total: 2, free: 2 })
})

test('A cancelled job ends once its tasks have, and gives its slots back', async () => {
  const cluster = new ClusterHarness()
  await cluster.start(2)
  const job = await cluster.submit(pipeline(2))
  job.cancel()
  assert.equal(job.state, 'CANCELLING')
  await settle()
  assert.equal(job.state, 'CANCELED')
  assert.deepEqual(cluster.jobManager.slotPool.counts(), { total: 2, free: 2 })
  await job.cancel()
  assert.equal(job.state, 'CANCELED')
})

test('A running job says what its source waits for outside', async () => {
  let outside: string | null = 'table clicks waits for Kafka at localhost:9092'
  const source = () => ({
    start: () => {},
    handleEvent: () => null,
    subtaskReady: () => {},
    subtaskFailed: () => {},
    snapshot: () => null,
    waitsFor: () => outside,
    close: () => {},
  })
  const cluster = new ClusterHarness({}, { source })
  await cluster.start(1)
  const job = await cluster.submit(pipeline(1, {}, 'source'))
  assert.equal(job.state, 'RUNNING')
  assert.equal(job.statusReason(), outside)
  outside = null
  assert.equal(job.statusReason(), null)
})

test('Tasks that do not confirm their cancellation lose their slot', async () => {
  const cluster = new ClusterHarness()
  await cluster.start(2)
  const [taskManager] = cluster.taskManagers
  if (taskManager !== undefined) taskManager.autoCancel = false
  const job = await cluster.submit(pipeline(2))
  job.cancel()
  await cluster.clock.advance(9_000)
  assert.equal(job.state, 'CANCELLING')
  await cluster.clock.advance(1_000)
  assert.equal(job.state, 'CANCELED')
  assert.deepEqual(
    taskManager?.calls.filter((call) => call.startsWith('freeSlot')),
    ['freeSlot 0', 'freeSlot 1'],
  )
})

test('A failure that repeats itself ends the job at once, with its cause', async () => {
  const cluster = new ClusterHarness()
  await cluster.start(2)
  const job = await cluster.submit(pipeline(2, CHECKPOINTED))
  const [attemptId] = cluster.tasks()
  await cluster.taskManagers[0]?.report(attemptId as string, 'FAILED', false, malformed)
  await settle()
  assert.equal(job.state, 'FAILED')
  assert.equal(job.failureCause?.code, 'BAD_RECORD')
  assert.equal(job.failures.entries[0]?.root.taskName, 'source (1/2) - execution #0')
  assert.equal(job.failures.entries[0]?.root.taskManagerId, 'tm-1')
})

test('A failed job restarts after the delay with new attempts, and old ones are stale', async () => {
  const cluster = new ClusterHarness()
  await cluster.start(2)
  const job = await cluster.submit(pipeline(2, CHECKPOINTED))
  const [attemptId] = cluster.tasks()
  const [taskManager] = cluster.taskManagers
  await taskManager?.report(attemptId as string, 'FAILED', false, external)
  await settle()
  assert.equal(job.state, 'RESTARTING')
  assert.match(job.statusReason() ?? '', /restarts in 1\.0 s after: Down\./)
  await cluster.clock.advance(1_000)
  assert.equal(job.state, 'RUNNING')
  assert.equal(job.restarts, 1)
  assert.ok(cluster.tasks().every((id) => id.endsWith('_1')))
  await assert.rejects(taskManager?.report(attemptId as string, 'RUNNING') as Promise<void>, {
    code: 'STALE_ATTEMPT',
  })
})

test('Fixed-delay gives up after its attempts', async () => {
  const cluster = new ClusterHarness()
  await cluster.start(1)
  const job = await cluster.submit(
    pipeline(1, {
      'restart-strategy.type': 'fixed-delay',
      'restart-strategy.fixed-delay.delay': '0',
    }),
  )
  for (let round = 0; round < 2; round++) {
    const [attemptId] = cluster.tasks()
    await cluster.taskManagers[0]?.report(attemptId as string, 'FAILED', false, external)
    await cluster.clock.advance(1)
  }
  assert.equal(job.state, 'FAILED')
  assert.equal(job.failureCause?.code, 'RESTARTS_EXHAUSTED')
  assert.equal(job.failureCause?.cause?.code, 'KAFKA_DOWN')
})

test('A failure restarts only the connected part of the job', async () => {
  const cluster = new ClusterHarness()
  await cluster.start(1)
  const graph = pipeline(1, CHECKPOINTED)
  await cluster.submit({
    ...graph,
    vertices: [...graph.vertices, vertex('other', 1, { slotSharingGroup: 'default' })],
  })
  const attemptId = cluster.tasks().find((id) => id.includes('v-sink')) as string
  await cluster.taskManagers[0]?.report(attemptId, 'FAILED', false, external)
  await cluster.clock.advance(1_100)
  const job = cluster.jobManager.dispatcher.get(JOB_ID)
  assert.equal(job.state, 'RUNNING')
  assert.deepEqual(
    cluster
      .tasks()
      .map((id) => id.slice(33))
      .sort(),
    ['v-other_0_0', 'v-sink_0_1', 'v-source_0_1'],
  )
})

test('Cancelling while a restart waits ends the job', async () => {
  const cluster = new ClusterHarness()
  await cluster.start(1)
  const job = await cluster.submit(pipeline(1, CHECKPOINTED))
  await cluster.taskManagers[0]?.report(cluster.tasks()[0] as string, 'FAILED', false, external)
  await settle()
  job.cancel()
  await settle()
  assert.equal(job.state, 'CANCELED')
  await cluster.clock.advance(60_000)
  assert.equal(job.state, 'CANCELED')
  assert.deepEqual(cluster.tasks(), [])
})

test('A killed TaskManager is noticed at once; its tasks move to free slots', async () => {
  const cluster = new ClusterHarness()
  await cluster.start(2, 2)
  const job = await cluster.submit(pipeline(2, CHECKPOINTED))
  cluster.taskManagers[0]?.kill()
  await settle()
  assert.equal(job.state, 'RESTARTING')
  assert.equal(job.failures.entries[0]?.root.error.code, 'TASK_MANAGER_LOST')
  await cluster.clock.advance(1_000)
  assert.equal(job.state, 'RUNNING')
  assert.equal(cluster.taskManagers[1]?.tasks.size, 4)
  assert.equal(cluster.jobManager.registry.all().length, 1)
})

test('A job waits for a lost TaskManager to return when there is no other slot', async () => {
  const cluster = new ClusterHarness()
  await cluster.start(1, 1)
  const job = await cluster.submit(pipeline(2, CHECKPOINTED))
  cluster.taskManagers[1]?.kill()
  await cluster.clock.advance(5_000)
  assert.equal(job.state, 'RESTARTING')
  assert.match(job.statusReason() ?? '', /needs 1 slot, 1 registered/)
  await cluster.taskManagers[1]?.restart()
  await settle()
  assert.equal(job.state, 'RUNNING')
})

test('A broken connection of a TaskManager that still answers changes nothing', async () => {
  const cluster = new ClusterHarness()
  await cluster.start(1)
  const job = await cluster.submit(pipeline(1))
  cluster.rpc.hiccup('tm-1:6122')
  await settle()
  assert.equal(job.state, 'RUNNING')
  assert.equal(cluster.jobManager.registry.all().length, 1)
})

test('A new process under the same id replaces the old one', async () => {
  const cluster = new ClusterHarness()
  await cluster.start(1)
  const job = await cluster.submit(pipeline(1, CHECKPOINTED))
  await cluster.taskManagers[0]?.restart()
  await settle()
  assert.equal(job.state, 'RESTARTING')
  await cluster.clock.advance(1_000)
  assert.equal(job.state, 'RUNNING')
})

test('Old leaders and unknown attempts are refused', async () => {
  const cluster = new ClusterHarness()
  await cluster.start(1)
  await cluster.submit(pipeline(1))
  const taskManager = cluster.taskManagers[0]
  assert.ok(taskManager)
  await assert.rejects(taskManager.report(`${JOB_ID}_v-source_9_0`, 'RUNNING'), {
    code: 'STALE_ATTEMPT',
  })
  await assert.rejects(taskManager.report('nojob_v_0_0', 'RUNNING'), { code: 'STALE_ATTEMPT' })
  taskManager.epoch--
  await assert.rejects(taskManager.report(cluster.tasks()[0] as string, 'RUNNING'), {
    code: 'STALE_LEADER',
  })
  taskManager.epoch += 2
  await assert.rejects(taskManager.start(), { code: 'STALE_LEADER' })
})

test('Without checkpoints a bounded job finishes when every task has ended', async () => {
  const cluster = new ClusterHarness()
  await cluster.start(2)
  const job = await cluster.submit(pipeline(2))
  const ended = cluster.jobManager.dispatcher.whenEnded(JOB_ID)
  await cluster.taskManagers[0]?.endAll()
  await settle()
  assert.equal(await ended, 'FINISHED')
  assert.equal(job.state, 'FINISHED')
  assert.deepEqual(cluster.jobManager.slotPool.counts(), { total: 2, free: 2 })
})

test('The same job id twice is refused, and so is what is no job graph', async () => {
  const cluster = new ClusterHarness()
  await cluster.start(1)
  const { dispatcher } = cluster.jobManager
  await cluster.submit(pipeline(1))
  await assert.rejects(dispatcher.submit(pipeline(1)), { code: 'JOB_ALREADY_SUBMITTED' })
  const graph = pipeline(1)
  const table: [unknown, RegExp][] = [
    [undefined, /jobGraph/],
    [{ ...graph, jobId: 'X' }, /jobGraph\.jobId/],
    [{ ...graph, vertices: [] }, /at least one vertex/],
    [{ ...graph, edges: [] }, /gate 0 of vertex 'sink'/],
    [{ ...graph, edges: [edge('source', 'nowhere')] }, /targetVertexId/],
    [
      {
        ...graph,
        vertices: [vertex('source', 2), graph.vertices[1]],
        edges: [edge('source', 'sink', 'forward')],
      },
      /forward/,
    ],
    [{ ...graph, configuration: { a: 1 } }, /configuration\['a'\]/],
    [
      { ...graph, edges: [{ ...edge('source', 'sink'), type: { kind: 'rows' } }] },
      /edges\[0\]\.type\.kind/,
    ],
  ]
  for (const [value, message] of table) {
    await assert.rejects(dispatcher.submit(value), { code: 'JOB_GRAPH_INVALID', message })
  }
  const type = { kind: 'objects', serializer: { artifact: 'a', export: 'order' } }
  await assert.rejects(
    dispatcher.submit({ ...graph, edges: [{ ...edge('source', 'sink'), type }] }),
    { code: 'EDGE_TYPE_UNSUPPORTED' },
  )
})

test('A slot that its TaskManager lost is found by its reports', async () => {
  const cluster = new ClusterHarness()
  await cluster.start(1, 1)
  const job = await cluster.submit(pipeline(1, CHECKPOINTED))
  const taskManager = cluster.taskManagers.find(({ tasks }) => tasks.size > 0)
  assert.ok(taskManager)
  const report = () =>
    taskManager.jobManager.heartbeat({
      fence: taskManager.fence,
      taskManagerId: taskManager.id,
      instanceId: taskManager.instanceId,
      slots: [{ slotIndex: 0, allocationId: '', jobId: '' }],
    })
  await report()
  assert.equal(job.state, 'RUNNING')
  await report()
  assert.equal(job.state, 'RESTARTING')
  assert.equal(job.failures.entries[0]?.root.error.code, 'SLOT_LOST')
  await cluster.clock.advance(1_000)
  assert.equal(job.state, 'RUNNING')
})

test('A JobManager that stops ends the tasks of its jobs and keeps nothing running', async () => {
  const cluster = new ClusterHarness()
  await cluster.start(2)
  const job = await cluster.submit(pipeline(2, CHECKPOINTED))
  await cluster.jobManager.stop()
  assert.equal(job.state, 'SUSPENDED')
  assert.deepEqual(cluster.tasks(), [])
})

test('A failure in another part of the job during a restart brings that part along', async () => {
  const cluster = new ClusterHarness()
  await cluster.start(2)
  const graph = pipeline(1, CHECKPOINTED)
  const job = await cluster.submit({
    ...graph,
    vertices: [...graph.vertices, vertex('other', 1)],
  })
  const [taskManager] = cluster.taskManagers
  const attempt = (name: string) => cluster.tasks().find((id) => id.includes(name)) as string
  await taskManager?.report(attempt('v-sink'), 'FAILED', false, external)
  await cluster.clock.advance(500)
  await taskManager?.report(attempt('v-other'), 'FAILED', false, external)
  await cluster.clock.advance(600)
  assert.equal(job.state, 'RESTARTING')
  await cluster.clock.advance(1_000)
  assert.equal(job.state, 'RUNNING')
  assert.ok(cluster.tasks().every((id) => id.endsWith('_1')))
  assert.equal(cluster.tasks().length, 3)
})

test('A TaskManager that does not answer its heartbeats is lost', async () => {
  const cluster = new ClusterHarness({ 'heartbeat.rpc-failure-threshold': '2' })
  await cluster.start(1)
  await cluster.clock.advance(5_000)
  // No broken connection is seen: the process hangs.
  const gateway = cluster.jobManager.registry.all()[0]?.gateway as unknown as {
    heartbeat: () => Promise<never>
  }
  gateway.heartbeat = () => Promise.reject(new Error('no answer'))
  await cluster.clock.advance(10_000)
  assert.equal(cluster.jobManager.registry.all().length, 1)
  await cluster.clock.advance(10_000)
  assert.equal(cluster.jobManager.registry.all().length, 0)
  assert.deepEqual(cluster.jobManager.slotPool.counts(), { total: 0, free: 0 })
})

test('A JobManager that stood still itself takes no TaskManager for lost', async () => {
  // Cause: on a machine that was paused every job restarted when it went on.
  const cluster = new ClusterHarness()
  await cluster.start(1)
  await cluster.clock.advance(5_000)
  cluster.clock.sleep(200_000)
  await cluster.clock.advance(20_000)
  assert.equal(cluster.jobManager.registry.all().length, 1)
  // One that says nothing afterwards is lost as any other.
  const registered = cluster.jobManager.registry.all()[0] as { lastHeartbeatMs: number }
  const gateway = cluster.jobManager.registry.all()[0]?.gateway as unknown as {
    heartbeat: () => Promise<never>
  }
  gateway.heartbeat = () => new Promise<never>(() => {})
  assert.ok(registered.lastHeartbeatMs <= cluster.clock.monotonicMs())
  await cluster.clock.advance(70_000)
  assert.equal(cluster.jobManager.registry.all().length, 0)
})

test('A TaskManager that dies while a job waits for slots is not counted on', async () => {
  const cluster = new ClusterHarness()
  await cluster.start(1, 1)
  const job = await cluster.submit(pipeline(3))
  cluster.taskManagers[0]?.kill()
  await settle()
  assert.match(job.statusReason() ?? '', /needs 3 slots, 2 registered|needs 3 slots, 1 registered/)
  await cluster.clock.advance(21_000)
  await cluster.addTaskManager(2)
  await settle()
  assert.equal(job.state, 'RUNNING')
})

test('A deployment that a TaskManager refuses is tried again', async () => {
  const cluster = new ClusterHarness()
  await cluster.start(1)
  const record = cluster.jobManager.registry.all()[0]
  const gateway = record?.gateway as unknown as { deployTasks: () => Promise<void> }
  const original = gateway.deployTasks
  gateway.deployTasks = async () => {
    gateway.deployTasks = original
    throw new Error('refused')
  }
  const job = await cluster.submit(pipeline(1, CHECKPOINTED))
  assert.equal(job.state, 'RESTARTING')
  assert.equal(job.failures.entries[0]?.root.error.code, 'TASK_DEPLOYMENT_FAILED')
  await cluster.clock.advance(1_000)
  assert.equal(job.state, 'RUNNING')
})
