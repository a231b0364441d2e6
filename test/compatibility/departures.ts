/** Where answers depart from the reference's for good, and why. */
interface Departure {
  readonly because: string
  /** Of a recorded answer, with the situation behind `@`. */
  readonly answers: RegExp
  readonly difference: RegExp
}

const ANY = /./

const DEPARTURES: readonly Departure[] = [
  {
    because: 'A plan begins with its sources here, with its sinks there.',
    answers: /^job(\.plan)?@/,
    difference: /^\$\.plan\.nodes\[\]\.inputs: missing$/,
  },
  {
    because: 'There is no batch scheduler: the job that was one there runs as a stream here.',
    answers: /@nocheckpoints$|^cluster\.jobs\.overview/,
    difference: ANY,
  },
  {
    because: 'Whether one of the last checkpoints is complete, failed or under way is chance.',
    answers: /^job\.checkpoints@/,
    difference: /^\$\.(latest\.(completed|failed|savepoint)|history)/,
  },
  {
    because: 'The failure that ends a job is its own last entry, not one beside a wrapper.',
    answers: /^job\.exceptions@failed/,
    difference: /concurrentExceptions: empty$/,
  },
  {
    because:
      'Every job can be rescaled here, whichever scheduler it has, and what it had is known.',
    answers: /^(job\.resource-requirements|resource-requirements\.put@default-scheduler)/,
    difference: ANY,
  },
  {
    because: 'There samples of a job that has just ended are shown for a while.',
    answers: /^vertex\.backpressure@(cancelled|stopped)$/,
    difference: ANY,
  },
  {
    because: 'A subtask that waits for input in every sample calls nothing.',
    answers: /^vertex\.flamegraph/,
    difference: /children: empty$/,
  },
  {
    because: 'There are no jars: they are answered as where web.submit.enable is false.',
    answers: /^(jars\.|jars@|cluster\.jars$)/,
    difference: ANY,
  },
  {
    because: 'The profilers are answered as where rest.profiling.enabled is false.',
    answers: /^(cluster\.jobmanager|taskmanager)\.profiler$/,
    difference: ANY,
  },
  {
    because:
      'A query that runs is cancelled here when that is asked for, there only when it is closed.',
    answers: /^gateway\.(endless\.(cancel|status@cancelled)|operation\.cancel@finished)$/,
    difference: ANY,
  },
  {
    because:
      'How far a statement is at once is chance; a SELECT shows its columns before its rows.',
    answers: /^gateway\.(operation\.(result|status)@early|endless\.result)/,
    difference: /resultType|\$\.status|data: empty$/,
  },
  {
    because: 'Pages are made of the rows that there are: how many depends on them.',
    answers: /^gateway\.operation\.result@eos$/,
    difference: ANY,
  },
  {
    because: 'Properties of a session are those of the cluster it is of.',
    answers: /^gateway\.sessions\.get$/,
    difference: /^\$\.properties\./,
  },
  {
    because:
      'What is to be completed may be in the query as well: not every client sends a GET a body.',
    answers: /^gateway\.complete-statement@query$/,
    difference: ANY,
  },
  {
    because: 'There are no application clusters that run scripts.',
    answers: /^gateway\.scripts$/,
    difference: ANY,
  },
  {
    because: 'There is no changelog state backend.',
    answers: /metrics/,
    difference: /no metric changelogBusyTimeMsPerSecond$/,
  },
  {
    because: 'The runtime is no JVM: it has no classes, mapped buffers and collectors by name.',
    answers: /metrics/,
    difference:
      /no metric Status\.JVM\.(ClassLoader|Memory\.(Mapped|Metaspace|Direct\.Count)|GarbageCollector\.(Copy|MarkSweepCompact))/,
  },
]

export function departuresOf(name: string): RegExp[] {
  return DEPARTURES.filter(({ answers }) => answers.test(name)).map(({ difference }) => difference)
}
