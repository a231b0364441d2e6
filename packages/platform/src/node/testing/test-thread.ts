/** A thread for tests: does what the messages say. */
import { createNodePlatform, workerEndpoint } from '../index.ts'

const endpoint = workerEndpoint()
const platform = createNodePlatform()

function fillHeap(): void {
  const hoard: number[][] = []
  for (;;) hoard.push(new Array<number>(10_000).fill(1.5))
}

endpoint.onMessage((message) => {
  const { action, value } = message as { action: string; value: unknown }
  if (action === 'echo') endpoint.post({ data: endpoint.data, value })
  else if (action === 'fill-heap') fillHeap()
  else if (action === 'spin') for (;;);
  else if (action === 'throw') throw new TypeError('thrown in the thread')
  else if (action === 'exit') process.exit(0)
  else if (action === 'echo-port') {
    const connection = platform.data.overPort(value)
    connection.onFrame((frame) => connection.send([frame]))
  }
})
