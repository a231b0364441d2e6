/** Edits of tables leave a job that can be planned, and say of it what the oracle said. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StateTableSpec } from '@millrace/core'
import { SimulatedEnvironment } from '../environment/simulated-environment.ts'
import { planJob } from '../scenario/plan-job.ts'
import { withWidenableKey } from '../workload/edit-tables.ts'
import { expectedOutput } from '../workload/expected-output.ts'
import {
  CHANGELOG_PROFILE,
  generateWorkload,
  SWARM_PROFILE,
} from '../workload/generate-workload.ts'
import type { Workload } from '../workload/workload.ts'
import { SeededRandom } from '../world/seeded-random.ts'
import { editedTables } from './edited-tables.ts'

const environment = new SimulatedEnvironment(
  {
    ...{ seed: 1, jobManagers: 1, taskManagers: 1, slotsPerTaskManager: 1, brokers: 1 },
    ...{ slowness: [], properties: {} },
  },
  {},
)

function states(workload: Workload): StateTableSpec[] {
  const start = { parallelism: 1, restoreFrom: null, number: 1 }
  const { vertices } = planJob(environment, workload, start)
  return vertices.flatMap(({ operators }) => operators.flatMap((each) => each.states ?? []))
}
const keyKinds = (specs: readonly StateTableSpec[]) =>
  specs.map(({ key }) => key.fields.map(({ type }) => type.kind).join())

const expectedText = (workload: Workload) =>
  JSON.stringify(expectedOutput(workload), (_, value) =>
    typeof value === 'bigint' ? String(value) : value,
  )

test('tables with wider columns and other names give the same results, from state under other keys', () => {
  const count = { edited: 0, widened: 0, keys: 0 }
  for (let seed = 1; seed <= 300; seed++) {
    const random = new SeededRandom(`edited tables ${seed}`)
    const profile = seed % 2 === 0 ? SWARM_PROFILE : CHANGELOG_PROFILE
    const workload = generateWorkload(random.split('workload'), { ...profile, rowsMax: 60 })
    const edited = editedTables(workload, random, { mayWiden: true })
    if (edited.about === null) continue
    count.edited++
    const [before, after] = [states(workload), states(edited.workload)]
    assert.equal(after.length, before.length, edited.about)
    if (edited.isWidened) count.widened++
    if (JSON.stringify(keyKinds(before)) !== JSON.stringify(keyKinds(after))) count.keys++
    if (seed % 10 === 0) {
      const [oracle, edits] = [workload, edited.workload].map(expectedText)
      assert.equal(edits, oracle, edited.about)
    }
  }
  assert.ok(count.edited > 150 && count.widened > 20 && count.keys > 5, JSON.stringify(count))
})

test('a key that may become wider is made of a column of the table alone', () => {
  let keyed = 0
  for (let seed = 1; seed <= 80; seed++) {
    const random = new SeededRandom(`widenable key ${seed}`)
    const generated = generateWorkload(random, { ...SWARM_PROFILE, rowsMax: 60 })
    const workload = withWidenableKey(generated)
    if (workload === generated) continue
    keyed++
    const { about } = editedTables(workload, new SeededRandom('wider'), { mayWiden: true })
    assert.match(about ?? '', /qty wider/)
  }
  assert.ok(keyed > 5, `${keyed}`)
})

test('columns stay as they are where rows of them are on their way', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = new SeededRandom(`edited tables ${seed}`)
    const workload = generateWorkload(random.split('workload'), { ...SWARM_PROFILE, rowsMax: 60 })
    const { isWidened, about } = editedTables(workload, random, { mayWiden: false })
    assert.equal(isWidened, false)
    assert.ok(about === null || about === 'tables renamed')
  }
})
