/**
 * NodeTemporaryFiles: files that lose their name as soon as they are open.
 *
 * Invariant: the system frees the space when the descriptor is closed, so also after a kill.
 */
import { closeSync, mkdirSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Random } from '../platform.ts'
import type { TemporaryFile, TemporaryFiles } from '../temporary-files.ts'

export class NodeTemporaryFiles implements TemporaryFiles {
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  get defaultDirectory(): string {
    return tmpdir()
  }

  create(directory: string): TemporaryFile {
    mkdirSync(directory, { recursive: true })
    const name = Buffer.from(this.#random.bytes(12)).toString('hex')
    const path = join(directory, `millrace-${name}`)
    const descriptor = openSync(path, 'wx+', 0o600)
    unlinkSync(path)
    return new NodeTemporaryFile(descriptor)
  }
}

class NodeTemporaryFile implements TemporaryFile {
  size = 0
  readonly #descriptor: number
  #open = true

  constructor(descriptor: number) {
    this.#descriptor = descriptor
  }

  append(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length; ) {
      from += writeSync(this.#descriptor, bytes, from, bytes.length - from, this.size + from)
    }
    this.size += bytes.length
  }

  read(into: Uint8Array, position: number): void {
    for (let from = 0; from < into.length; ) {
      const count = readSync(this.#descriptor, into, from, into.length - from, position + from)
      if (count === 0) throw new Error(`the file ends at byte ${position + from}`)
      from += count
    }
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    closeSync(this.#descriptor)
  }
}
