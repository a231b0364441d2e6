/**
 * A small disk of its own for checkpoints, which can be filled to the last byte: a tmpfs, so it
 * takes root on Linux.
 *
 * Where that cannot be had the run says so by name and ends; it never goes on without the fault it
 * was asked for.
 */
import { spawnSync } from 'node:child_process'
import { closeSync, cpSync, existsSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'

const SIZE = '48m'
const FILLER = 'filler'
const TOP_UP_MS = 20
const BLOCK = Buffer.alloc(1 << 16, 1)

export class DiskQuota {
  readonly directory: string
  readonly #filler: string
  #timer: NodeJS.Timeout | undefined
  readonly #onExit = () => this.#unmount()

  private constructor(directory: string) {
    this.directory = directory
    this.#filler = join(directory, FILLER)
    process.once('exit', this.#onExit)
  }

  /** Throws, naming what is missing. */
  static mount(directory: string): DiskQuota {
    mkdirSync(directory, { recursive: true })
    const { status, stderr, error } = spawnSync(
      'mount',
      ['-t', 'tmpfs', '-o', `size=${SIZE},mode=700`, 'tmpfs', directory],
      { encoding: 'utf8' },
    )
    if (status !== 0) {
      throw new Error(
        `The fault disk-full needs a tmpfs, and mounting one failed: ${(error?.message ?? stderr).trim()}. ` +
          'Run as root on Linux, or name the faults without it (--faults kill,pause,stop,broker,network).',
      )
    }
    return new DiskQuota(directory)
  }

  /** Takes every free byte, and those that others free, until `free`. */
  fill(): void {
    const topUp = () => {
      const file = openSync(this.#filler, 'a')
      try {
        for (let bytes = BLOCK.length; bytes >= 1; ) {
          try {
            if (writeSync(file, BLOCK, 0, bytes) < bytes) break
          } catch {
            bytes >>= 1
          }
        }
      } finally {
        closeSync(file)
      }
    }
    topUp()
    this.#timer = setInterval(topUp, TOP_UP_MS)
  }

  free(): void {
    clearInterval(this.#timer)
    rmSync(this.#filler, { force: true })
  }

  /** With `keepIn`, what is on it is copied there first. */
  close(keepIn?: string): void {
    this.free()
    if (keepIn !== undefined && existsSync(this.directory)) {
      cpSync(this.directory, keepIn, { recursive: true })
    }
    this.#unmount()
    process.off('exit', this.#onExit)
  }

  #unmount(): void {
    clearInterval(this.#timer)
    spawnSync('umount', ['-l', this.directory], { stdio: 'ignore' })
  }
}
