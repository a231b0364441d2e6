/** Files without a name, in memory: they end with their process, as real ones do. */
import type { TemporaryFile, TemporaryFiles } from '@millrace/platform'

const FIRST_BYTES = 4096

export class SimulatedTemporaryFiles implements TemporaryFiles {
  readonly defaultDirectory = '/tmp'

  create(): TemporaryFile {
    return new SimulatedTemporaryFile()
  }
}

class SimulatedTemporaryFile implements TemporaryFile {
  size = 0
  #bytes = new Uint8Array(FIRST_BYTES)

  append(bytes: Uint8Array): void {
    const needed = this.size + bytes.length
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2))
      grown.set(this.#bytes)
      this.#bytes = grown
    }
    this.#bytes.set(bytes, this.size)
    this.size = needed
  }

  read(into: Uint8Array, position: number): void {
    const end = position + into.length
    if (end > this.size) throw new Error(`the file ends at byte ${this.size}`)
    into.set(this.#bytes.subarray(position, end))
  }

  close(): void {
    this.#bytes = new Uint8Array(0)
    this.size = 0
  }
}
