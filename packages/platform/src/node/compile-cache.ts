/**
 * Keeps compiled code between starts, for processes that are killed or run for long.
 *
 * Node writes its compile cache when a process or thread ends by itself. Entries call this, so that
 * the second start is fast even when the first still runs. Nothing happens without a cache
 * (`NODE_COMPILE_CACHE`) or when nothing new was compiled.
 */
import { flushCompileCache } from 'node:module'

/** By then a process has loaded what it needs to serve, and its first job has started. */
const FLUSH_DELAY_MS = 5000

/** Writes what this thread has compiled to the cache, once, a few seconds from now. */
export function keepCompiledCode(): void {
  setTimeout(flushCompileCache, FLUSH_DELAY_MS).unref()
}
