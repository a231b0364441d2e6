/**
 * Puts a bug into a module as it is loaded, in this thread alone: the shipped source has no
 * branch for it.
 *
 * A plant replaces one piece of source text, which must occur exactly once; when the source
 * changes, the plant must change with it.
 */
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { PlantedBug } from './planted-bug.ts'
import { PLANTED_BUGS } from './planted-bugs.ts'

const ROOT = new URL('../../', import.meta.url)

/** Throws when there is no such plant, or when its text is not in the source. */
export function findPlant(name: string): PlantedBug {
  const plant = PLANTED_BUGS.find((each) => each.name === name)
  if (plant !== undefined) return plant
  throw new Error(
    `No bug is named '${name}'. There are: ${PLANTED_BUGS.map((each) => each.name).join(', ')}.`,
  )
}

/** The file's source with the bug in it. */
export function plantedSource(edit: PlantedBug['edits'][number]): string {
  const source = readFileSync(new URL(edit.file, ROOT), 'utf8')
  const pieces = source.split(edit.text)
  if (pieces.length !== 2) {
    throw new Error(`${edit.file} contains this ${pieces.length - 1} times, not once: ${edit.text}`)
  }
  return pieces.join(edit.planted)
}

/** For modules that this thread loads from now on. */
export function plantBug(name: string): void {
  const sources = new Map(
    findPlant(name).edits.map((edit) => [
      fileURLToPath(new URL(edit.file, ROOT)),
      plantedSource(edit),
    ]),
  )
  registerHooks({
    load(url, context, next) {
      const source = url.startsWith('file:') ? sources.get(fileURLToPath(url)) : undefined
      if (source === undefined) return next(url, context)
      return { format: 'module-typescript', source, shortCircuit: true }
    },
  })
}
