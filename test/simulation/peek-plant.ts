/**
 * The bug that a plan file names, for planting it before anything is loaded that it could be in.
 * Whether the file is whole is judged later, by what can then be loaded.
 */
import { readFileSync } from 'node:fs'

export function peekPlant(path: string): string | undefined {
  try {
    const { plant } = JSON.parse(readFileSync(path, 'utf8')) as { plant?: unknown }
    return typeof plant === 'string' ? plant : undefined
  } catch {
    return undefined
  }
}
