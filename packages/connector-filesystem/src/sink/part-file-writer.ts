/**
 * Writes rows as JSON lines into part files, exactly once.
 *
 * `write` encodes into chunks; one background chain appends them. At a barrier the open file is
 * synced and renamed to pending;
 * commit renames it to its visible name, which may be repeated. Invariant: a visible file
 * never changes, and holds rows of complete checkpoints only (without checkpoints: everything,
 * made visible at the end). What older attempts left is removed once a checkpoint of this
 * attempt is complete.
 *
 * Attempts that run side by side (one is a zombie) do each other no harm: their hidden files have
 * different names, the older one removes nothing of the newer, and only complete checkpoints
 * publish files. A zombie that finds its files gone fails, as it should.
 */
import type { Committable, FormatEncoder, SinkWriter, WriterContext } from '@millrace/connector'
import { type ColumnBatch, stableId } from '@millrace/core'
import { makeDurableDirectory, type OpenFile } from '@millrace/platform'
import { fileErrorCode, filesystemError } from '../error-codes.ts'
import type { FileSinkConfig } from '../file-table-config.ts'
import { isStray, type PartFile, parsePartFileName, partFileName } from './part-file-name.ts'

/** `isAvailable` is false while more than this waits to be written. */
const QUEUE_BYTES_MAX = 8 * 1024 * 1024

const encoder = new TextEncoder()
const decoder = new TextDecoder()
const jsonBytes = (value: unknown): Uint8Array => encoder.encode(JSON.stringify(value))
const fromBytes = <T>(bytes: Uint8Array): T => JSON.parse(decoder.decode(bytes)) as T

/** What a committable says. */
interface PendingFile {
  readonly directory: string
  readonly pending: string
  readonly final: string
}

export class PartFileWriter implements SinkWriter {
  readonly #config: FileSinkConfig
  readonly #context: WriterContext
  readonly #encoder: FormatEncoder
  readonly #uid: string
  #nextNumber = 0
  #open: { readonly number: number; readonly file: OpenFile } | null = null
  #openBytes = 0
  /** Closed files of the checkpoint under way. */
  #rolled: number[] = []
  #queuedBytes = 0
  #work: Promise<void> = Promise.resolve()
  #failed = false

  constructor(config: FileSinkConfig, context: WriterContext) {
    this.#config = config
    this.#context = context
    const format = context.formats.get(config.format)
    if (format === undefined) throw new Error(`format '${config.format}' is not registered`)
    this.#encoder = format.createEncoder({ schema: context.schema, options: config.options })
    this.#uid = stableId(`${context.jobId}/${context.subtask.operatorId}`).slice(0, 8)
  }

  async open(restored: Parameters<SinkWriter['open']>[0]): Promise<void> {
    const { path } = this.#config
    await this.#named(path, async () => {
      await makeDurableDirectory(this.#context.platform.filesystem, path)
      if (restored !== null) await this.#commitFiles(restored.committables)
      await this.#skipKnownNumbers()
    })
    for (const state of restored?.states ?? []) {
      this.#nextNumber = Math.max(this.#nextNumber, fromBytes<{ next: number }>(state).next)
    }
  }

  /** Numbers of files that are there already, from any attempt, are not used again. */
  async #skipKnownNumbers(): Promise<void> {
    for (const { file } of await this.#list()) {
      if (file.uid !== this.#uid || file.subtask !== this.#context.subtask.subtaskIndex) continue
      this.#nextNumber = Math.max(this.#nextNumber, file.number + 1)
    }
  }

  async #list(): Promise<{ readonly path: string; readonly file: PartFile }[]> {
    const found: { path: string; file: PartFile }[] = []
    for (const { path } of await this.#context.platform.filesystem.list(this.#config.path)) {
      const file = parsePartFileName(path.slice(path.lastIndexOf('/') + 1))
      if (file !== null) found.push({ path, file })
    }
    return found
  }

  async removeStrays(): Promise<void> {
    const { subtaskIndex: subtask, parallelism } = this.#context.subtask
    const facts = { uid: this.#uid, subtask, parallelism, writer: this.#context.subtask }
    const { filesystem } = this.#context.platform
    await this.#named(this.#config.path, async () => {
      const strays = (await this.#list()).filter(({ file }) => isStray(file, facts))
      for (const { path } of strays) await filesystem.remove(path)
      if (strays.length > 0) await filesystem.syncDirectory(this.#config.path)
    })
  }

  write(batch: ColumnBatch): void {
    const { bytes, starts, lengths, count } = this.#encoder.encode(batch)
    let size = count
    for (let i = 0; i < count; i++) size += lengths[i] as number
    const chunk = new Uint8Array(size)
    let at = 0
    for (let i = 0; i < count; i++) {
      const start = starts[i] as number
      const end = start + (lengths[i] as number)
      for (let p = start; p < end; p++) chunk[at++] = bytes[p] as number
      chunk[at++] = 10
    }
    const { metrics } = this.#context
    metrics.numRecordsSend += count
    metrics.numBytesOut += size
    this.#queuedBytes += size
    this.#enqueue(() => this.#append(chunk))
  }

  isAvailable(): boolean {
    return this.#queuedBytes < QUEUE_BYTES_MAX
  }

  /** Runs `step` after those before it; the first failure fails the subtask and drops the rest. */
  #enqueue(step: () => Promise<void>): void {
    this.#work = this.#work.then(async () => {
      if (this.#failed) return
      try {
        await this.#named(this.#config.path, step)
      } catch (error) {
        this.#failed = true
        this.#context.fail(error)
      }
    })
  }

  async #append(chunk: Uint8Array): Promise<void> {
    if (this.#open === null) {
      const number = this.#nextNumber++
      const name = this.#hiddenPath(number, null)
      const file = await this.#context.platform.filesystem.open(name, 'create')
      this.#open = { number, file }
      this.#openBytes = 0
    }
    await this.#open.file.append(chunk)
    this.#openBytes += chunk.length
    const wasFull = !this.isAvailable()
    this.#queuedBytes -= chunk.length
    if (wasFull && this.isAvailable()) this.#context.wakeUp()
    if (this.#openBytes >= this.#config.fileSizeMax) await this.#roll()
  }

  async #roll(): Promise<void> {
    const open = this.#open
    if (open === null) return
    await open.file.sync()
    await open.file.close()
    this.#open = null
    this.#rolled.push(open.number)
  }

  #hiddenPath(number: number, checkpoint: number | null): string {
    return this.#path(number, { writer: this.#context.subtask, checkpoint })
  }

  #path(number: number, hidden: PartFile['hidden']): string {
    const subtask = this.#context.subtask.subtaskIndex
    return `${this.#config.path}/${partFileName({ uid: this.#uid, subtask, number, hidden })}`
  }

  async prepareCommit(checkpointId: number): Promise<readonly Committable[]> {
    const pending = await this.#flush(checkpointId)
    return pending.map(jsonBytes)
  }

  /** Everything written so far, in files renamed to pending. */
  async #flush(checkpointId: number): Promise<PendingFile[]> {
    const { filesystem } = this.#context.platform
    const { path: directory } = this.#config
    const pending: PendingFile[] = []
    this.#enqueue(async () => {
      await this.#roll()
      for (const number of this.#rolled) {
        const file = {
          directory,
          pending: this.#hiddenPath(number, checkpointId),
          final: this.#path(number, null),
        }
        await filesystem.rename(this.#hiddenPath(number, null), file.pending)
        pending.push(file)
      }
      if (this.#rolled.length > 0) await filesystem.syncDirectory(directory)
      this.#rolled = []
    })
    await this.#work
    if (this.#failed) {
      throw filesystemError('FILESYSTEM_WRITE_FAILED', `Cannot write part files in ${directory}.`)
    }
    return pending
  }

  snapshotState(_checkpointId: number): readonly Uint8Array[] {
    return [jsonBytes({ next: this.#nextNumber })]
  }

  async commit(committables: readonly Committable[]): Promise<void> {
    await this.#named(this.#config.path, () => this.#commitFiles(committables))
  }

  async #commitFiles(committables: readonly Committable[]): Promise<void> {
    const { filesystem } = this.#context.platform
    const directories = new Set<string>()
    for (const committable of committables) {
      const { directory, pending, final } = fromBytes<PendingFile>(committable)
      directories.add(directory)
      try {
        await filesystem.rename(pending, final)
      } catch (error) {
        // No longer there: an earlier try, or another attempt just now, renamed it.
        if (fileErrorCode(error) !== 'ENOENT') throw error
      }
    }
    for (const directory of directories) await filesystem.syncDirectory(directory)
  }

  async finish(): Promise<void> {
    const pending = await this.#flush(0)
    await this.commit(pending.map(jsonBytes))
  }

  async abandon(committables: readonly Committable[]): Promise<void> {
    const { filesystem } = this.#context.platform
    await this.#named(this.#config.path, async () => {
      for (const committable of committables) {
        await filesystem.remove(fromBytes<PendingFile>(committable).pending)
      }
    })
  }

  async close(): Promise<void> {
    this.#failed = true
    await this.#work
    const open = this.#open
    this.#open = null
    await open?.file.close()
    // No checkpoint has them, so nobody will ever want them.
    const unwanted = open === null ? this.#rolled : [...this.#rolled, open.number]
    this.#rolled = []
    for (const number of unwanted) {
      await this.#context.platform.filesystem.remove(this.#hiddenPath(number, null))
    }
  }

  async #named(path: string, step: () => Promise<void>): Promise<void> {
    try {
      await step()
    } catch (thrown) {
      if ((thrown as { brand?: string }).brand === 'millrace-error') throw thrown
      throw filesystemError(
        'FILESYSTEM_WRITE_FAILED',
        `Cannot write part files in ${path}: ${fileErrorCode(thrown)}.`,
        {
          cause: thrown,
          location: { file: path },
          hint: 'Check that the directory exists, is writable and has space.',
        },
      )
    }
  }
}
