/**
 * The entry of a slot's worker thread; static imports would be resolved before the
 * resolver is in place.
 */
import { resolveOwnModules } from './resolve-own-modules.ts'

resolveOwnModules()
await import('./slot-thread-main.ts')
