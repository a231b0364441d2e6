/**
 * Throughput of the data plane: 32 KiB and 512-byte frames with 16 credits, to a process over TCP
 * and to a thread over a port.
 *
 *     node packages/platform/src/node/data/data-transport.bench.ts
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { DataConnection } from '../../transport.ts'
import { createNodePlatform, workerEndpoint } from '../index.ts'

const CREDITS = 16
const SECONDS = 2
const platform = createNodePlatform({ threadEntries: { producer: new URL(import.meta.url) } })

/** Sends frames of the length that the first message asks for, as many as there are credits. */
function produce(connection: DataConnection): void {
  let payload: Uint8Array | null = null
  connection.onFrame((frame) => {
    const value = new DataView(frame.buffer, frame.byteOffset).getUint32(0, true)
    if (payload === null) payload = new Uint8Array(value).fill(7)
    else for (let i = 0; i < value; i++) connection.send([payload])
  })
}

async function consume(connection: DataConnection, frameBytes: number): Promise<string> {
  const credit = new Uint8Array(4)
  const grant = (value: number): void => {
    new DataView(credit.buffer).setUint32(0, value, true)
    connection.send([credit])
  }
  let frames = 0
  let owed = 0
  connection.onFrame(() => {
    frames++
    if (++owed === CREDITS / 2) {
      owed = 0
      grant(CREDITS / 2)
    }
  })
  grant(frameBytes)
  grant(CREDITS)
  const started = performance.now()
  const cpu = process.cpuUsage()
  await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000))
  const seconds = (performance.now() - started) / 1000
  const { user, system } = process.cpuUsage(cpu)
  const rate = frames / seconds
  const megabytes = (rate * frameBytes) / 1e6
  const cpuPerGigabyte = (user + system) / 1e6 / ((megabytes * seconds) / 1e3)
  return [
    `${frameBytes} B: ${megabytes.toFixed(0)} MB/s, ${(rate / 1000).toFixed(0)} k frames/s`,
    `${cpuPerGigabyte.toFixed(2)} CPU-s/GB in this process`,
  ].join(', ')
}

if (process.argv[2] === 'producer') {
  const server = await platform.data.serve('127.0.0.1:0', produce)
  process.stdout.write(server.address)
} else if (process.env.MILLRACE_BENCH_MAIN === undefined) {
  process.env.MILLRACE_BENCH_MAIN = '1'
  const child = spawn(process.execPath, [import.meta.filename, 'producer'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  for (const frameBytes of [32 * 1024, 512]) {
    const connection = await platform.data.connect(line.toString())
    console.log(`TCP, ${await consume(connection, frameBytes)}`)
    connection.close()
  }
  child.kill()
  for (const frameBytes of [32 * 1024, 512]) {
    const limits = { name: 'bench', heapMaxBytes: 2 ** 28, youngGenerationMaxBytes: 2 ** 25 }
    const thread = platform.threads.spawn('producer', null, limits)
    const [own, other] = platform.data.createPortPair()
    thread.post(other, [other])
    const connection = platform.data.overPort(own)
    console.log(`port, ${await consume(connection, frameBytes)}`)
    connection.close()
    await thread.terminate()
  }
} else {
  const endpoint = workerEndpoint()
  endpoint.onMessage((port) => produce(platform.data.overPort(port)))
}
