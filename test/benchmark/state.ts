/**
 * `npm run bench -- state`: `GROUP BY k` whose state is many times its memory. The keys of
 * `bench -- groups` from Kafka at 10^3 to 2·10^7, in 256 MB of managed memory, both engines with
 * their disk backend and incremental checkpoints every 10 s.
 *
 * Takes the options of `bench -- groups`; what is given counts instead of what stands here.
 */
const KEYS = '1000,100000,1000000,10000000,20000000'
const PROPERTIES = [
  'state.backend.type=rocksdb',
  'execution.checkpointing.incremental=true',
  'taskmanager.memory.managed.size=256m',
]
const given = process.argv.slice(2)
process.argv = [
  ...process.argv.slice(0, 2),
  ...['--source', 'kafka', '--keys', KEYS, '--reference-heap', '1024'],
  ...PROPERTIES.flatMap((text) => ['--property', text, '--reference-property', text]),
  ...given,
]
await import('./groups.ts')

export {}
