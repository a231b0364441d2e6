/**
 * Jobs that take no checkpoints, and savepoints when somebody asks: after a failure they begin
 * anew, an exactly-once sink commits at the stop and only then, and another job goes on from there.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimulatedEnvironment } from '../environment/simulated-environment.ts'
import { delay } from '../world/scheduler.ts'
import { JobClient } from './job-client.ts'
import { planScript } from './plan-job.ts'

const TOPIC = 'shown'
const OUTPUT = '/output/rows'

const PROPERTIES = {
  'restart-strategy.type': 'fixed-delay',
  'restart-strategy.fixed-delay.attempts': '100',
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

class Run {
  readonly environment = new SimulatedEnvironment(
    {
      ...{ seed: 1, jobManagers: 2, taskManagers: 2, slotsPerTaskManager: 2, brokers: 1 },
      ...{ slowness: [], properties: PROPERTIES },
    },
    { onPrint: () => {} },
  )
  readonly client = new JobClient(this.environment.world, this.environment.cluster)

  async drive(work: () => Promise<void>): Promise<void> {
    const { environment } = this
    environment.broker.createTopic(TOPIC, 2)
    environment.start()
    let end: { readonly error?: unknown } | null = null
    work().then(
      () => void (end = {}),
      (error) => void (end = { error }),
    )
    await environment.world.run(600_000, () => end !== null)
    assert.deepEqual(end, {})
  }

  place(file: string, rows: readonly number[]): void {
    const text = rows.map((v) => `${JSON.stringify({ v })}\n`).join('')
    this.environment.disk.place(`/input/rows/${file}`, new TextEncoder().encode(text))
  }

  async submit(sink: string, number: number, recoveryPath: string | null): Promise<string> {
    const recovery =
      recoveryPath === null ? '' : `SET 'execution.state-recovery.path' = '${recoveryPath}';`
    const script = `SET 'parallelism.default' = '2'; ${recovery}
      CREATE TABLE numbers (v INT) WITH ('connector' = 'filesystem', 'format' = 'json',
        'path' = 'file:///input/rows', 'source.monitor-interval' = '200 ms');
      CREATE TABLE shown (v INT) WITH (${sink});
      INSERT INTO shown SELECT v FROM numbers;`
    const jobGraph = planScript(this.environment, script, number)
    await this.client.submit(jobGraph)
    return jobGraph.jobId
  }

  /** Asks for so long as nobody answers. */
  async until(jobId: string, state: string): Promise<void> {
    const { world } = this.environment
    for (let seen: unknown; seen !== state; await delay(world, 100)) {
      seen = await this.client.ask(jobId, (job) => job.state)
    }
  }

  async stop(jobId: string): Promise<string> {
    const request = {
      targetDirectory: '/savepoints',
      format: 'canonical',
      after: 'suspend',
    } as const
    let location: string | null = null
    while (location === null) {
      void this.client.ask(jobId, async (job) => {
        location = await job.savepoint(request).catch(() => job.stoppedBy)
      })
      await delay(this.environment.world, 3000)
    }
    await this.until(jobId, 'FINISHED')
    return location
  }

  /** Of either sink, committed. */
  shown(): number[] {
    const { broker, disk } = this.environment
    const visible = disk.files(OUTPUT).filter(({ path }) => !/\/[._][^/]*$/.test(path))
    const files = visible.map(({ path }) => new TextDecoder().decode(disk.bytesOf(path)))
    const lines = [...broker.inspect.committedValues(TOPIC), ...files.join('').split('\n')]
    const rows = lines.filter((line) => line !== '').map((line) => JSON.parse(line).v as number)
    return rows.sort((a, b) => a - b)
  }
}

const KAFKA = (servers: string) =>
  `'connector' = 'kafka', 'topic' = '${TOPIC}', 'format' = 'json',
   'properties.bootstrap.servers' = '${servers}', 'sink.delivery-guarantee' = 'exactly-once',
   'sink.transactional-id-prefix' = 'savepoints-alone'`
const FILES = () => `'connector' = 'filesystem', 'path' = 'file://${OUTPUT}', 'format' = 'json'`

for (const [name, sinkOf] of Object.entries({ kafka: KAFKA, files: FILES })) {
  test(`Without checkpoints ${name} show all rows once at the stop, and those of the next job at its own`, async () => {
    const run = new Run()
    const { environment } = run
    const sink = sinkOf(environment.broker.bootstrapServers)
    run.place('first.json', numbers(0, 200))
    await run.drive(async () => {
      const { world, cluster } = environment
      const first = await run.submit(sink, 1, null)
      await run.until(first, 'RUNNING')
      await delay(world, 2000)
      cluster.taskManagers.get('tm-1')?.process.kill()
      cluster.leader()?.process.kill()
      await delay(world, 500)
      environment.reviveAll()
      await delay(world, 60_000)
      await run.until(first, 'RUNNING')
      run.place('second.json', numbers(200, 300))
      await delay(world, 2000)
      assert.deepEqual(run.shown(), [])
      const savepoint = await run.stop(first)
      assert.deepEqual(run.shown(), numbers(0, 300))
      run.place('third.json', numbers(300, 400))
      const second = await run.submit(sink, 2, savepoint)
      await run.until(second, 'RUNNING')
      await delay(world, 2000)
      assert.deepEqual(run.shown(), numbers(0, 300))
      await run.stop(second)
      assert.deepEqual(run.shown(), numbers(0, 400))
    })
  })
}
