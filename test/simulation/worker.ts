/** A thread of the swarm: plants the bug it is told to, then runs the seeds it is given. */
import { parentPort, workerData } from 'node:worker_threads'
import { resolveOwnModules } from '../../packages/distribution/src/process/resolve-own-modules.ts'
import { plantBug } from './plant-bug.ts'
import type { ToWorker, WorkerSettings } from './swarm.ts'

const { families, plant } = workerData as WorkerSettings
resolveOwnModules()
if (plant !== null) plantBug(plant)
const { runSeed } = await import('@millrace/simulation')

parentPort?.on('message', async ({ seed }: ToWorker) => {
  parentPort?.postMessage(await runSeed(seed, { families }))
})
