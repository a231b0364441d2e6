/**
 * When a sink looks for strays: soon at first, ever more rarely, once at the end;
 * failures are warnings.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StrayWatch } from './stray-watch.ts'

function watchOf(remove: () => Promise<void>) {
  const clock = { nowMs: 0 }
  const warnings: string[] = []
  const platform = {
    clock: { monotonicMs: () => clock.nowMs },
    logger: { warn: (message: string) => warnings.push(message) },
  } as unknown as ConstructorParameters<typeof StrayWatch>[0]
  return { clock, warnings, watch: new StrayWatch(platform, 't', remove) }
}
const settled = () => new Promise((done) => setImmediate(done))

test('a sink looks after its first checkpoint and then after pauses that double up to five minutes', async () => {
  const looks: number[] = []
  const { clock, watch } = watchOf(async () => {
    looks.push(clock.nowMs / 1000)
  })
  for (let second = 0; second <= 2000; second++) {
    clock.nowMs = second * 1000
    watch.checkpointComplete()
    await settled()
  }
  assert.deepEqual(looks, [0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 811, 1111, 1411, 1711])
  await watch.finish()
  assert.equal(looks.length, 15)
})

test('a look that has not come back is not repeated, and one that fails is a warning', async () => {
  let looks = 0
  let fail: (error: Error) => void = () => {}
  const { clock, warnings, watch } = watchOf(() => {
    looks++
    return new Promise((_, reject) => {
      fail = reject
    })
  })
  watch.checkpointComplete()
  clock.nowMs = 10_000
  watch.checkpointComplete()
  assert.equal(looks, 1)
  fail(new Error('no'))
  await settled()
  assert.equal(warnings.length, 1)
  watch.checkpointComplete()
  assert.equal(looks, 2)
})
