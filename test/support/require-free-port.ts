/**
 * Whether a port can be listened on, before a server of another language is started that says so
 * late and at length.
 */
import { createServer } from 'node:net'

/** Rejects when something listens on 127.0.0.1:`port` already. */
export async function requireFreePort(port: number): Promise<void> {
  const problem = await new Promise<NodeJS.ErrnoException | null>((done) => {
    const server = createServer()
    server.once('error', done)
    server.listen(port, '127.0.0.1', () => server.close(() => done(null)))
  })
  if (problem === null) return
  const why = problem.code === 'EADDRINUSE' ? 'another program listens there' : problem.message
  throw new Error(`Port ${port} is not free: ${why}. Choose another: --port ${port + 1}`)
}
