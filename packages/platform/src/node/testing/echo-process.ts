/**
 * A process for tests: serves data connections, prints its address and sends every frame back
 * until it is killed.
 */
import { createNodePlatform } from '../index.ts'

const platform = createNodePlatform()
const server = await platform.data.serve('127.0.0.1:0', (connection) => {
  connection.onFrame((frame) => connection.send([frame]))
})
process.stdout.write(`${server.address}\n`)
