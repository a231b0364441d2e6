/**
 * Where each documented command is run, and as what.
 *
 * Addresses, ports and directories of the page become the test's own, long runs become short ones;
 * nothing else differs. A command that no test runs says why.
 */

/** `runs`: benchmarks and faults, in the integration stage too. */
export type Stage = 'sql' | 'integration' | 'runs' | 's3'

export type CommandPlan =
  | { readonly stage: Stage; readonly shorter?: string }
  | { readonly notRun: string }

/** By the command as the page has it. */
export const COMMANDS: Readonly<Record<string, CommandPlan>> = {
  'npm start': { stage: 'sql' },
  'npm start -- --once': { stage: 'sql' },
  'npm start -- --kafka HOST:PORT': { stage: 'integration' },
  'npm install': {
    notRun: 'it would change what every test beside this one runs on; a fresh clone starts with it',
  },
  'npm test': { notRun: 'it is what runs every other test' },
  'npx millrace test readings.test.ts': { stage: 'sql' },
  'npx millrace cluster start': { stage: 'integration' },
  'npx millrace sql-client': { stage: 'integration' },
  'npx millrace list': { stage: 'integration' },
  'npx millrace rescale JOB_ID 4': { stage: 'integration' },
  'npx millrace checkpoint JOB_ID': { stage: 'integration' },
  'npx millrace savepoint JOB_ID': { stage: 'integration' },
  'npx millrace state inspect PATH': {
    notRun: 'it wants the path that was shown; test/end-to-end/savepoints.test.ts types it',
  },
  'npx millrace stop JOB_ID': {
    notRun: 'the job that is there is cancelled; test/end-to-end/savepoints.test.ts stops others',
  },
  'npx millrace cancel JOB_ID': { stage: 'integration' },
  'npx millrace cluster stop': { stage: 'integration' },
  'HA="-D high-availability.type=filesystem -D high-availability.storageDir=file:///var/millrace/ha -D execution.checkpointing.dir=file:///var/millrace/checkpoints"':
    { stage: 'sql' },
  'npx millrace jobmanager $HA -D rest.port=8081': { stage: 'sql' },
  'npx millrace taskmanager $HA': { stage: 'sql' },
  'npm run kafka': { stage: 'integration' },
  'npm run -s kafka -- produce clicks': { stage: 'integration' },
  'npm run s3': { stage: 's3' },
  'npm run bench -- sensor': { stage: 'runs', shorter: '--records 30000 --longer 0 --cold' },
  'npm run bench -- groups': {
    stage: 'runs',
    shorter: '--against none --keys 1000 --records 20000 --warm-up 0',
  },
  'npm run bench -- state': {
    stage: 'runs',
    shorter: '--against none --keys 1000 --records 20000 --warm-up 0',
  },
  'npm run simulate -- --plan': {
    notRun: 'it wants a file; test/simulation/shrink.test.ts runs what it does',
  },
  'node --test': { notRun: 'it says what npx millrace test is' },
  'npm run simulate -- --seeds 100': { stage: 'sql', shorter: '--seeds 2' },
  'npm run chaos -- --minutes 10': {
    notRun: 'test/integration/chaos.test.ts runs what it does in small; --kills runs the command',
  },
  'npm run chaos -- --kills 20': { stage: 'runs', shorter: '--kills 1' },
  'npm run docs': { notRun: 'test/architecture/documented.test.ts compares what it would write' },
}

/** Those that the stage has to run. */
export function commandsOf(stage: Stage): string[] {
  return Object.entries(COMMANDS)
    .filter(([, plan]) => 'stage' in plan && plan.stage === stage)
    .map(([text]) => text)
}
