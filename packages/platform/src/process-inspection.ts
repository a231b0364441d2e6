/**
 * ProcessInspection: what a process of the cluster tells about itself to people: its runtime, its
 * memory, its logs, what its threads do.
 *
 * Given to JobManager and TaskManager by their composition roots; absent in the simulation.
 */
export interface ProcessEnvironment {
  /** Runtime, version and system. */
  readonly version: string
  readonly architecture: string
  /** Options of the runtime. */
  readonly options: readonly string[]
  /** What the program was started with. */
  readonly program: readonly string[]
  /** Of the machine. */
  readonly systemMemoryBytes: number
}

export interface ProcessMemory {
  readonly heapUsedBytes: number
  readonly heapCommittedBytes: number
  readonly heapMaxBytes: number
  /** Typed arrays and other memory outside of the runtime's heap. */
  readonly externalBytes: number
  readonly residentBytes: number
  readonly threadCount?: number
  /** Of the main thread, since the inspection began. */
  readonly collections: { readonly count: number; readonly timeMs: number }
  /** Files and sockets; null where the system does not say. */
  readonly descriptors: { readonly open: number; readonly max: number } | null
}

export interface LogFile {
  readonly name: string
  readonly sizeBytes: number
  readonly modifiedMs: number
}

/** A thread and where it is now. */
export interface ThreadState {
  readonly name: string
  /** Its calls, innermost first. */
  readonly stack: readonly string[]
}

export interface ProcessInspection {
  environment(): ProcessEnvironment
  memory(): ProcessMemory
  /** Its own threads, without those of slots. */
  threads(): Promise<readonly ThreadState[]>
  /** Of the directory that the process logs to, newest first; none when it logs to no file. */
  logFiles(): Promise<readonly LogFile[]>
  /** Name of the file that it logs to now; null: to none. */
  readonly logFile: string | null
  /** The end of a log file, at most `bytesMax`; null: there is no such file. */
  readLog(name: string, bytesMax: number): Promise<string | null>
}
