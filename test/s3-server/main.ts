/**
 * `npm run s3`: a real S3 server on loopback to play with.
 *
 *     npm run s3 -- [--port 7070] [--directory DIR]
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readOptions } from '../support/command-options.ts'
import { startS3Server } from './server.ts'

const { values } = readOptions({
  name: 'npm run s3 --',
  summary: 'A real S3 server on loopback to play with, until Ctrl-C.',
  options: {
    port: { type: 'string', default: '7070', value: 'PORT', help: 'that it listens on' },
    directory: {
      type: 'string',
      value: 'DIR',
      help: 'where its data stay; when left out a new one that is removed at the end',
    },
  },
})
const directory = values.directory ?? mkdtempSync(join(tmpdir(), 'millrace-s3-'))
process.stdout.write(`Starting S3 at 127.0.0.1:${values.port} …\n`)
const server = await startS3Server({ directory, port: Number(values.port) }).catch(
  (error: Error) => {
    if (values.directory === undefined) rmSync(directory, { recursive: true, force: true })
    process.stderr.write(`${error.message}\n`)
    process.exit(1)
  },
)
const options = {
  'high-availability.type': 'filesystem',
  'high-availability.storageDir': `s3://${server.bucket}/ha`,
  'execution.checkpointing.dir': `s3://${server.bucket}/checkpoints`,
  ...server.properties,
}
const lines = Object.entries(options).map(([key, value]) => `  ${key}: ${value}\n`)
process.stdout.write(
  `S3 runs at ${server.endpoint}. For conf/config.yaml, or MILLRACE_PROPERTIES:\n${lines.join('')}` +
    `Ctrl-C stops it${values.directory === undefined ? ' and removes its data' : `; its data stay in ${directory}`}.\n`,
)
const keepAlive = setInterval(() => {}, 1 << 30)
const stop = async () => {
  clearInterval(keepAlive)
  process.stdout.write('\nStopping S3 …\n')
  await server.stop()
  if (values.directory === undefined) rmSync(directory, { recursive: true, force: true })
  process.exit(0)
}
process.once('SIGINT', stop)
process.once('SIGTERM', stop)
