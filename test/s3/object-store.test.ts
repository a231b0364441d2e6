/**
 * The object store on a real S3 server: its contract, many writers, a server that is killed, and
 * what goes wrong.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { toErrorData } from '@millrace/core'
import type { ObjectStore } from '@millrace/platform'
import { testObjectStore } from '@millrace/platform/object-store-contract'
import { NEEDS_S3, S3_SERVER_IS_OURS, type S3Fixture, startS3Fixture } from './s3-fixture.ts'

const CLIENTS = 4
const WRITERS = 40
const ROUNDS = 50

const isOurs = { skip: !S3_SERVER_IS_OURS && 'the server of S3_ENDPOINT is not ours to kill' }

const bytesOf = (text: string) => new TextEncoder().encode(text)
const textOf = (object: { readonly bytes: Uint8Array } | null) =>
  object === null ? null : new TextDecoder().decode(object.bytes)

describe('on a real S3 server', NEEDS_S3, () => {
  let fixture: S3Fixture
  let clients: ObjectStore[]
  before(async () => {
    fixture = await startS3Fixture()
    clients = Array.from({ length: CLIENTS }, () =>
      fixture.storage().objectStores().open(fixture.location),
    )
  })
  after(() => fixture?.dispose())

  testObjectStore('a bucket', async () => {
    let opened = 0
    return {
      open: () => clients[opened++ % CLIENTS] as ObjectStore,
      dispose: async () => {},
      // Seen of versitygw on files: it looks at the version, and puts the file in place later.
      ordersRemovals: !S3_SERVER_IS_OURS,
    }
  })

  it(`of ${WRITERS} writers one wins, in each of ${ROUNDS} rounds`, async () => {
    let version: string | null = null
    for (let round = 0; round < ROUNDS; round++) {
      const writes = Array.from({ length: WRITERS }, (_, n) => {
        const client = clients[n % CLIENTS] as ObjectStore
        return client.putIf('contended', bytesOf(`${round}/${n}`), version)
      })
      const answers = await Promise.all(writes)
      const winners = answers.flatMap((answer, n) => (answer === null ? [] : [n]))
      assert.equal(winners.length, 1, `winners of round ${round}: ${winners}`)
      const seen = await (clients[0] as ObjectStore).get('contended')
      assert.equal(textOf(seen), `${round}/${winners[0]}`)
      version = answers[winners[0] as number] as string
      assert.equal(seen?.version, version)
    }
  })

  it(
    'a server that is killed loses no write that it acknowledged, and doubles none',
    isOurs,
    async () => {
      const acknowledged: number[] = []
      let unknown = 0
      let isKilling = true
      const raise = async (store: ObjectStore): Promise<void> => {
        while (isKilling || acknowledged.length <= 20) {
          try {
            const seen = await store.get('counter')
            const next = Number(textOf(seen) ?? 0) + 1
            const version = seen?.version ?? null
            const written = await store.putIf('counter', bytesOf(`${next}`), version)
            if (written !== null) acknowledged.push(next)
          } catch {
            unknown++
            await new Promise((done) => setTimeout(done, 20))
          }
        }
      }
      const raising = clients.map(raise)
      for (let kill = 0; kill < 4; kill++) {
        await new Promise((done) => setTimeout(done, 800))
        await fixture.server.kill()
        await fixture.server.restart()
      }
      isKilling = false
      await Promise.all(raising)
      assert.equal(new Set(acknowledged).size, acknowledged.length, 'no value has two winners')
      const value = Number(textOf(await (clients[0] as ObjectStore).get('counter')))
      assert.ok(value >= Math.max(...acknowledged), `${value} of ${Math.max(...acknowledged)}`)
      assert.ok(
        value - acknowledged.length <= unknown,
        `${value}: ${acknowledged.length}, ${unknown}`,
      )
      assert.ok(unknown > 0, 'a write was under way when the server was killed')
    },
  )

  for (const [what, location, options, code] of [
    ['a bucket that is not there', 's3://no-such-bucket/ha', {}, 'S3_BUCKET_MISSING'],
    ['a key that nobody knows', null, { 's3.access-key': 'nobody' }, 'S3_ACCESS_DENIED'],
    ['a secret that is not the key’s', null, { 's3.secret-key': 'guessed' }, 'S3_ACCESS_DENIED'],
  ] as const) {
    it(`${what} is said to be that, by reads, writes, lists and removals`, async () => {
      const store = fixture
        .storage(options)
        .objectStores()
        .open(location ?? fixture.location)
      for (const call of [
        () => store.get('a'),
        () => store.putIf('a', bytesOf('x'), null),
        () => store.putIf('a', bytesOf('x'), '"0"'),
        () => store.list(''),
        () => store.remove('a'),
      ]) {
        await assert.rejects(call(), (error) => {
          const data = toErrorData(error)
          assert.equal(data.code, code)
          assert.ok((data.hint ?? '') !== '' && data.location?.optionKey !== undefined)
          assert.doesNotMatch(JSON.stringify(data), /guessed/)
          return !JSON.stringify(data).includes(fixture.server.secretKey)
        })
      }
    })
  }
})
