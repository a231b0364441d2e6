/**
 * A session cluster of the reference engine on loopback: JobManager, one TaskManager and a SQL
 * gateway, each a JVM of its own.
 *
 * Benchmarks run the same SQL on it that they run on Millrace, on the same topic in the
 * same minutes. The gateway plans and is not counted, as the planner of a benchmark's own
 * process is not.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { splitStatements } from '@millrace/sql'
import { freePort } from '../../packages/distribution/src/cluster/free-port.ts'
import { provisionReferenceEngine } from './provision.ts'

export interface ReferenceClusterSettings {
  /** Logs, configuration, checkpoints. */
  readonly directory: string
  readonly slots: number
  /** Heap of the TaskManager's tasks, MiB. */
  readonly taskHeapMiB: number
  readonly properties?: Readonly<Record<string, string>>
  readonly progress: (line: string) => void
}

const START_TIMEOUT_MS = 120_000
const POLL_MS = 250
const MAIN = {
  jobmanager: 'org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint',
  taskmanager: 'org.apache.flink.runtime.taskexecutor.TaskManagerRunner',
  gateway: 'org.apache.flink.table.gateway.SqlGateway',
} as const
/** What the engine's own start script opens for Java 17. */
const OPENED = [
  'java.base/java.lang',
  'java.base/java.net',
  'java.base/java.io',
  'java.base/java.nio',
  'java.base/java.math',
  'java.base/java.text',
  'java.base/java.time',
  'java.base/java.util',
  'java.base/java.util.concurrent',
  'java.base/java.util.concurrent.atomic',
  'java.base/java.util.concurrent.locks',
  'java.base/java.lang.reflect',
  'java.base/sun.nio.ch',
  'java.rmi/sun.rmi.registry',
]

export class ReferenceCluster {
  readonly pids: readonly number[]
  readonly #children: readonly ChildProcess[]
  readonly #rest: string
  readonly #gateway: string

  private constructor(children: readonly ChildProcess[], rest: string, gateway: string) {
    this.#children = children
    this.#rest = rest
    this.#gateway = gateway
    this.pids = children.slice(0, 2).map((child) => child.pid as number)
  }

  static async start(settings: ReferenceClusterSettings): Promise<ReferenceCluster> {
    const jars = await provisionReferenceEngine(settings.progress)
    const configuration = join(settings.directory, 'conf')
    mkdirSync(configuration, { recursive: true })
    const ports = { rpc: await freePort(), rest: await freePort(), gateway: await freePort() }
    writeFileSync(join(configuration, 'config.yaml'), yaml(settings, ports))
    writeFileSync(join(configuration, 'log4j.properties'), LOG4J)
    const java = (role: keyof typeof MAIN, flags: readonly string[], args: readonly string[]) =>
      startJava(jars, settings.directory, role, flags, args)
    const heap = settings.taskHeapMiB + 128
    const children = [
      java('jobmanager', ['-Xmx1g'], ['--configDir', configuration]),
      java(
        'taskmanager',
        [`-Xmx${heap}m`, `-Xms${heap}m`, '-XX:+UseG1GC', '-XX:MaxDirectMemorySize=512m'],
        ['--configDir', configuration],
      ),
      java('gateway', ['-Xmx1g'], []),
    ]
    const cluster = new ReferenceCluster(
      children,
      `http://127.0.0.1:${ports.rest}`,
      `http://127.0.0.1:${ports.gateway}`,
    )
    try {
      await cluster.#awaitReady(settings)
    } catch (error) {
      await cluster.stop()
      throw error
    }
    return cluster
  }

  async #awaitReady(settings: ReferenceClusterSettings): Promise<void> {
    const deadline = Date.now() + START_TIMEOUT_MS
    for (;;) {
      const overview = await getJson(`${this.#rest}/overview`).catch(() => null)
      const gateway = await getJson(`${this.#gateway}/v2/info`).catch(() => null)
      if (overview?.['slots-available'] === settings.slots && gateway !== null) return
      const gone = this.#children.findIndex((child) => child.exitCode !== null)
      if (gone >= 0 || Date.now() > deadline) {
        const role = Object.keys(MAIN)[Math.max(gone, 0)]
        const log = join(settings.directory, `${role}.log`)
        throw new Error(
          `The reference engine did not start; the end of ${log}: ${readFileSync(log, 'utf8').slice(-2000)}`,
        )
      }
      await pause(POLL_MS)
    }
  }

  /** Runs a script in a session of its own; resolves with the id of its last job. */
  async submit(script: string): Promise<string> {
    const session = (await send('POST', `${this.#gateway}/v2/sessions`, { properties: {} })) as {
      sessionHandle: string
    }
    let jobId: string | null = null
    for (const { text } of splitStatements(script)) {
      jobId = (await this.#run(session.sessionHandle, text)) ?? jobId
    }
    if (jobId === null) throw new Error('The script started no job.')
    return jobId
  }

  async #run(session: string, statement: string): Promise<string | null> {
    const base = `/v2/sessions/${session}`
    const { operationHandle } = (await send('POST', `${this.#gateway}${base}/statements`, {
      statement,
    })) as { operationHandle: string }
    for (;;) {
      const result = await getJson(
        `${this.#gateway}${base}/operations/${operationHandle}/result/0?rowFormat=JSON`,
      )
      if (result.resultType !== 'NOT_READY') return (result.jobID as string | undefined) ?? null
      await pause(20)
    }
  }

  /** From its creation to its end, seconds; rejects when it fails. */
  async awaitFinished(jobId: string, timeoutMs: number): Promise<number> {
    const deadline = Date.now() + timeoutMs
    for (;;) {
      const job = await getJson(`${this.#rest}/jobs/${jobId}`)
      if (job.state === 'FINISHED') return (job['end-time'] - job['start-time']) / 1000
      if (['FAILED', 'CANCELED'].includes(job.state) || Date.now() > deadline) {
        const exceptions = await getJson(`${this.#rest}/jobs/${jobId}/exceptions`)
        throw new Error(
          `The reference engine's job is ${job.state}: ${JSON.stringify(exceptions).slice(0, 1500)}`,
        )
      }
      await pause(POLL_MS)
    }
  }

  /** Its `/jobs/:jobid/checkpoints`. */
  checkpoints(jobId: string): Promise<Answer> {
    return getJson(`${this.#rest}/jobs/${jobId}/checkpoints`)
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#children.map(async (child) => {
        if (child.exitCode !== null || child.signalCode !== null) return
        const ended = new Promise((done) => child.once('exit', done))
        child.kill('SIGKILL')
        await ended
      }),
    )
  }
}

const LOG4J = `rootLogger.level = WARN
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = [%d] %p %m (%c)%n
`

function yaml(
  settings: ReferenceClusterSettings,
  ports: { rpc: number; rest: number; gateway: number },
): string {
  const managedMiB = settings.properties?.['taskmanager.memory.managed.size'] ?? '64m'
  const properties = {
    'jobmanager.rpc.address': '127.0.0.1',
    'jobmanager.rpc.port': ports.rpc,
    'jobmanager.bind-host': '127.0.0.1',
    'rest.address': '127.0.0.1',
    'rest.bind-address': '127.0.0.1',
    'rest.port': ports.rest,
    'rest.bind-port': ports.rest,
    'sql-gateway.endpoint.rest.address': '127.0.0.1',
    'sql-gateway.endpoint.rest.bind-address': '127.0.0.1',
    'sql-gateway.endpoint.rest.port': ports.gateway,
    'sql-gateway.endpoint.rest.bind-port': ports.gateway,
    'taskmanager.host': '127.0.0.1',
    'taskmanager.bind-host': '127.0.0.1',
    'taskmanager.numberOfTaskSlots': settings.slots,
    'taskmanager.cpu.cores': settings.slots,
    'taskmanager.memory.framework.heap.size': '128m',
    'taskmanager.memory.framework.off-heap.size': '128m',
    'taskmanager.memory.task.heap.size': `${settings.taskHeapMiB}m`,
    'taskmanager.memory.task.off-heap.size': '0m',
    'taskmanager.memory.managed.size': managedMiB,
    'taskmanager.memory.network.min': '128m',
    'taskmanager.memory.network.max': '128m',
    'taskmanager.memory.jvm-metaspace.size': '256m',
    'taskmanager.memory.jvm-overhead.min': '192m',
    'taskmanager.memory.jvm-overhead.max': '192m',
    'pipeline.object-reuse': true,
    'state.backend.type': 'hashmap',
    'restart-strategy.type': 'none',
    'execution.checkpointing.interval': '10 s',
    'execution.checkpointing.mode': 'EXACTLY_ONCE',
    'execution.checkpointing.dir': `file://${join(settings.directory, 'checkpoints')}`,
    'table.local-time-zone': 'UTC',
    ...settings.properties,
  }
  return Object.entries(properties)
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
    .join('')
}

function startJava(
  jars: string,
  directory: string,
  role: keyof typeof MAIN,
  flags: readonly string[],
  args: readonly string[],
): ChildProcess {
  const log = openSync(join(directory, `${role}.log`), 'a')
  const child = spawn(
    'java',
    [
      ...flags,
      ...OPENED.map((name) => `--add-opens=${name}=ALL-UNNAMED`),
      '--add-exports=java.base/sun.net.util=ALL-UNNAMED',
      '--add-exports=java.management/sun.management=ALL-UNNAMED',
      '-XX:+IgnoreUnrecognizedVMOptions',
      `-Dlog4j.configurationFile=file:${join(directory, 'conf/log4j.properties')}`,
      ...['-cp', join(jars, '*'), MAIN[role], ...args],
    ],
    {
      stdio: ['ignore', log, log],
      env: { ...process.env, FLINK_CONF_DIR: join(directory, 'conf') },
    },
  )
  closeSync(log)
  const onExit = () => child.kill('SIGKILL')
  process.once('exit', onExit)
  child.once('exit', () => process.off('exit', onExit))
  return child
}

// biome-ignore lint/suspicious/noExplicitAny: answers of a foreign server, read for single fields.
type Answer = Record<string, any>

async function getJson(url: string): Promise<Answer> {
  return send('GET', url)
}

async function send(method: string, url: string, body?: unknown): Promise<Answer> {
  const answer = await fetch(url, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  const json = (await answer.json()) as Answer
  if (!answer.ok) {
    throw new Error(`${method} ${url} answered ${answer.status}: ${firstCause(json)}`)
  }
  return json
}

/** The deepest cause of the Java trace that an error answer carries. */
function firstCause(json: Answer): string {
  const text = (json.errors as string[] | undefined)?.join('\n') ?? JSON.stringify(json)
  const causes = text.match(/Caused by: [^\n]*/g)
  return causes?.at(-1) ?? text.slice(0, 1000)
}

const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms))
