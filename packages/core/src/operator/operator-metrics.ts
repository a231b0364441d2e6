/**
 * Counters of one operator in one subtask, named as the field's dashboards expect.
 *
 * Plain numeric fields so that a hot loop adds to them once a batch; the slot reads them
 * when it reports.
 */
export class OperatorMetrics {
  numRecordsIn = 0
  numRecordsOut = 0
  numBytesIn = 0
  numBytesOut = 0
  numLateRecordsDropped = 0
  /** Malformed records skipped (`json.ignore-parse-errors`). */
  numRecordsInErrors = 0
  numRecordsSend = 0
  numRecordsOutErrors = 0
  numFiredTimers = 0
  /** Both written by the task; with several inputs, each has a gauge `currentInput<n>Watermark`. */
  currentInputWatermark = -Infinity
  currentOutputWatermark = -Infinity
  /** Records known to be waiting in the source (Kafka lag), or -1. */
  pendingRecords = -1
  /** now − event time of the last emitted row, ms, or NaN. */
  currentEmitEventTimeLag = Number.NaN
  /**
   * Named further gauges (`KafkaSourceReader.topic.<t>.partition.<p>.currentOffset`, …); set as
   * often as wanted, read when reported.
   */
  readonly gauges = new Map<string, number>()
  /** What holds this operator's watermark back, for the job's status; null when nothing does. */
  watermarkHold: WatermarkHold | null = null
}

/** Names the split or input that the output watermark waits for. */
export interface WatermarkHold {
  /** e.g. `topic sensor-readings, partition 2`. */
  readonly what: string
  /** It brings no rows; or it has some that are not read, because a checkpoint aligns. */
  readonly reason: 'silent' | 'paused'
  readonly sinceMs: number
  /** The last event time seen there; -Infinity when none. */
  readonly lastEventTimeMs: number
  /**
   * False: no other split of this subtask is ahead; whether other subtasks are, the
   * JobManager knows.
   */
  readonly certain: boolean
  /** e.g. `no record since the start; set 'table.exec.source.idle-timeout' to let it go idle`. */
  readonly hint: string
}
