/**
 * The process that started this one: a JobManager or TaskManager of a composition
 * root ends with it.
 *
 * The parent says so in an environment variable as it spawns the child, whose IPC channel closes
 * however the parent goes.
 */

/** Environment variable of a spawned process: `0` when it must end with its parent. */
export const OUTLIVES_PARENT = 'MILLRACE_OUTLIVES_PARENT'

/**
 * In a spawned process: calls `stop` when the parent that must not be outlived has gone,
 * however it went.
 */
export function onParentGone(stop: () => void): void {
  if (process.env[OUTLIVES_PARENT] === '0' && process.connected) process.once('disconnect', stop)
}
