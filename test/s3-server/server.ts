/**
 * Runs one real S3 server on loopback, for tests and `npm run s3`.
 *
 * With `S3_ENDPOINT` set, that server is used and nothing is started: its keys are
 * AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, its bucket S3_BUCKET (made when missing); `kill` and
 * `restart` then fail, as it is not ours.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import {
  BucketAlreadyExists,
  BucketAlreadyOwnedByYou,
  CreateBucketCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { freePort } from '../../packages/distribution/src/cluster/free-port.ts'
import { requireFreePort } from '../support/require-free-port.ts'
import { provisionS3Server, type S3ServerProvisionOptions } from './provision.ts'

const ACCESS_KEY = 'millrace-test'
const SECRET_KEY = 'millrace-test-secret'
const BUCKET = 'millrace'
const START_TIMEOUT_MS = 180_000

export interface S3ServerOptions extends S3ServerProvisionOptions {
  /** Data and log; kept after `stop`. */
  readonly directory: string
  /** 0 or absent: a free one. */
  readonly port?: number
}

export interface S3Server {
  readonly endpoint: string
  readonly accessKey: string
  readonly secretKey: string
  readonly bucket: string
  /** Configuration of a process that uses it. */
  readonly properties: Readonly<Record<string, string>>
  /** For looking at what is there. */
  client(): S3Client
  stop(): Promise<void>
  /** SIGKILL, then waits for the end. */
  kill(): Promise<void>
  /** On the same port and data. */
  restart(): Promise<void>
}

export async function startS3Server(options: S3ServerOptions): Promise<S3Server> {
  const given = process.env.S3_ENDPOINT ?? ''
  const server = given === '' ? await ownServer(options) : foreignServer(given)
  const client = server.client()
  try {
    await client.send(new CreateBucketCommand({ Bucket: server.bucket }))
  } catch (error) {
    if (!(error instanceof BucketAlreadyExists || error instanceof BucketAlreadyOwnedByYou)) {
      await server.stop()
      throw error
    }
  } finally {
    client.destroy()
  }
  return server
}

function describe(
  endpoint: string,
  accessKey: string,
  secretKey: string,
  bucket: string,
): Omit<S3Server, 'stop' | 'kill' | 'restart'> {
  const region = process.env.AWS_REGION ?? 'us-east-1'
  return {
    endpoint,
    accessKey,
    secretKey,
    bucket,
    properties: {
      's3.endpoint': endpoint,
      's3.access-key': accessKey,
      's3.secret-key': secretKey,
      's3.region': region,
      's3.path.style.access': 'true',
    },
    client: () =>
      new S3Client({
        endpoint,
        region,
        forcePathStyle: true,
        credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
      }),
  }
}

function foreignServer(endpoint: string): S3Server {
  const accessKey = process.env.AWS_ACCESS_KEY_ID ?? ''
  const secretKey = process.env.AWS_SECRET_ACCESS_KEY ?? ''
  if (accessKey === '' || secretKey === '') {
    throw new Error(
      'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to keys of the server that S3_ENDPOINT names.',
    )
  }
  const refuse = async () => {
    throw new Error(`The server at ${endpoint} comes from S3_ENDPOINT and is not ours to end.`)
  }
  const bucket = process.env.S3_BUCKET ?? BUCKET
  return {
    ...describe(endpoint, accessKey, secretKey, bucket),
    stop: async () => {},
    kill: refuse,
    restart: refuse,
  }
}

async function ownServer(options: S3ServerOptions): Promise<S3Server> {
  if (options.port) await requireFreePort(options.port)
  const program = await provisionS3Server(options)
  const port = options.port || (await freePort())
  let server = await launch(program, options.directory, port)
  const end = async (signal: NodeJS.Signals) => {
    if (server.exitCode !== null || server.signalCode !== null) return
    const ended = new Promise<void>((done) => server.once('exit', () => done()))
    server.kill(signal)
    await ended
  }
  return {
    ...describe(`http://127.0.0.1:${port}`, ACCESS_KEY, SECRET_KEY, BUCKET),
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    async restart() {
      await end('SIGTERM')
      server = await launch(program, options.directory, port)
    },
  }
}

async function launch(program: string, directory: string, port: number): Promise<ChildProcess> {
  const data = join(directory, 'data')
  mkdirSync(data, { recursive: true })
  const log = join(directory, 's3-server.log')
  const descriptor = openSync(log, 'a')
  // As AWS does, it keeps connections open.
  const args = ['--quiet', '--keep-alive', '--port', `127.0.0.1:${port}`, 'posix', data]
  const server = spawn(program, args, {
    stdio: ['ignore', descriptor, descriptor],
    env: { ...process.env, ROOT_ACCESS_KEY: ACCESS_KEY, ROOT_SECRET_KEY: SECRET_KEY },
  })
  closeSync(descriptor)
  const onExit = () => server.kill('SIGKILL')
  process.once('exit', onExit)
  server.once('exit', () => process.off('exit', onExit))
  const deadline = Date.now() + START_TIMEOUT_MS
  while (!(await accepts(port))) {
    const ended = server.exitCode !== null || server.signalCode !== null
    if (ended || Date.now() > deadline) {
      server.kill('SIGKILL')
      const tail = readFileSync(log, 'utf8').slice(-2000)
      throw new Error(
        `The S3 server on port ${port} ${ended ? 'ended at start' : 'did not answer in time'}; the end of ${log}: ${tail}`,
      )
    }
    await new Promise((done) => setTimeout(done, 50))
  }
  return server
}

function accepts(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ host: '127.0.0.1', port })
    const finish = (result: boolean) => {
      socket.destroy()
      done(result)
    }
    socket.on('connect', () => finish(true))
    socket.on('error', () => finish(false))
  })
}
