/**
 * What every `ObjectStore` must do, whatever keeps the objects: a directory, a bucket, the
 * simulated store.
 *
 *     testObjectStore('a directory', async () => ({ open, dispose }))
 *
 * The store of the fixture is honest: no write of it is rejected.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { ObjectStore } from '../object-store.ts'

export interface ObjectStoreFixture {
  /** A further client of one and the same store. */
  open(): ObjectStore
  dispose(): Promise<void>
  /** Lets the store's time pass until `work` is settled; absent: it passes by itself. */
  drive?<T>(work: Promise<T>): Promise<T>
  /**
   * False: the store is known to carry out a replacement whose condition it checked before a
   * removal that came between, so that the object is there again. True when absent.
   */
  readonly ordersRemovals?: boolean
}

const text = new TextDecoder()
const bytesOf = (content: string): Uint8Array => new TextEncoder().encode(content)

class Store {
  fixture!: ObjectStoreFixture
  store!: ObjectStore

  run<T>(action: () => Promise<T>): Promise<T> {
    const work = action()
    return this.fixture.drive?.(work) ?? work
  }

  async text(key: string): Promise<string | null> {
    const object = await this.run(() => this.store.get(key))
    return object === null ? null : text.decode(object.bytes)
  }

  putText(key: string, content: string, expected: string | null): Promise<string | null> {
    return this.run(() => this.store.putIf(key, bytesOf(content), expected))
  }

  /** Writes an object that is not there; resolves with its version. */
  async create(key: string, content: string): Promise<string> {
    const version = await this.putText(key, content, null)
    assert.ok(version !== null, `${key} exists`)
    return version
  }
}

export function testObjectStore(
  name: string,
  createFixture: () => Promise<ObjectStoreFixture>,
): void {
  describe(`objects in ${name}`, () => {
    const store = new Store()
    before(async () => {
      store.fixture = await createFixture()
      store.store = store.fixture.open()
    })
    after(() => store.fixture.dispose())
    testSingleWriter(store)
    testKeysAndBytes(store)
    testManyWriters(store)
  })
}

function testSingleWriter(store: Store): void {
  test('an object that was never written is not there', async () => {
    assert.equal(await store.text('none/at-all'), null)
    assert.deepEqual(await store.run(() => store.store.list('none/')), [])
    await store.run(() => store.store.remove('none/at-all'))
  })

  test('what was written is read, by every client, under the version that the write returned', async () => {
    const version = await store.create('basic/read', 'one')
    const other = store.fixture.open()
    for (const client of [store.store, other]) {
      const object = await store.run(() => client.get('basic/read'))
      assert.equal(text.decode(object?.bytes), 'one')
      assert.equal(object?.version, version)
    }
  })

  test('an object that exists is not created again', async () => {
    await store.create('basic/create', 'first')
    assert.equal(await store.putText('basic/create', 'second', null), null)
    assert.equal(await store.text('basic/create'), 'first')
  })

  test('a write needs the newest version, and each write has another, even of the same bytes', async () => {
    const versions = [await store.create('basic/versions', 'same')]
    for (let i = 0; i < 5; i++) {
      const next = await store.putText('basic/versions', 'same', versions.at(-1) as string)
      assert.ok(next !== null)
      versions.push(next)
    }
    assert.equal(new Set(versions).size, 6)
    for (const old of versions.slice(0, -1)) {
      assert.equal(await store.putText('basic/versions', 'stale', old), null)
    }
    assert.equal(await store.text('basic/versions'), 'same')
  })

  test('a write to an object that is not there needs null', async () => {
    const version = await store.create('basic/absent', 'x')
    assert.equal(await store.putText('basic/other', 'x', version), null)
    assert.equal(await store.text('basic/other'), null)
  })

  test('a removed object is gone, and no version of its former life is ever valid again', async () => {
    const versions: string[] = []
    for (let life = 0; life < 4; life++) {
      const first = await store.create('basic/lives', `life ${life}`)
      const second = await store.putText('basic/lives', `life ${life}, later`, first)
      versions.push(first, second as string)
      await store.run(() => store.store.remove('basic/lives'))
      assert.equal(await store.text('basic/lives'), null)
      assert.deepEqual(await store.run(() => store.store.list('basic/lives')), [])
      for (const old of versions) {
        assert.equal(await store.putText('basic/lives', 'back from the dead', old), null)
      }
    }
    await store.create('basic/lives', 'last')
    for (const old of versions) {
      assert.equal(await store.putText('basic/lives', 'back from the dead', old), null)
    }
    assert.equal(new Set(versions).size, versions.length)
    assert.equal(await store.text('basic/lives'), 'last')
  })
}

function testKeysAndBytes(store: Store): void {
  test('keys are listed by prefix, ascending, and one key may begin another', async () => {
    const keys = ['list/a', 'list/a/b', 'list/a/b/c', 'list/ab', 'list/b', 'list/b/x', 'listed']
    for (const key of [...keys].reverse()) await store.create(key, key)
    const list = (prefix: string) => store.run(() => store.store.list(prefix))
    assert.deepEqual(await list('list/'), keys.slice(0, 6))
    assert.deepEqual(await list('list'), keys)
    assert.deepEqual(await list('list/a'), keys.slice(0, 4))
    assert.deepEqual(await list('list/a/'), keys.slice(1, 3))
    await store.run(() => store.store.remove('list/a/b'))
    assert.deepEqual(await list('list/a'), ['list/a', 'list/a/b/c', 'list/ab'])
    for (const key of ['list/a', 'list/a/b/c']) assert.equal(await store.text(key), key)
  })

  test('a key may hold any characters', async () => {
    const keys = ['..', '.hidden', 'a@object', 'colon:and space', 'head-1-x', 'percent%2F', 'ünï']
    for (const key of keys) await store.create(`odd/${key}/${key}`, key)
    const all = await store.run(() => store.store.list('odd/'))
    assert.deepEqual(all, keys.map((key) => `odd/${key}/${key}`).sort())
    for (const key of keys) assert.equal(await store.text(`odd/${key}/${key}`), key)
  })

  test('bytes come back as they were, none or a million of them', async () => {
    for (const length of [0, 1, 65_536, 1_000_000]) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 7) & 255)
      await store.run(() => store.store.putIf(`bytes/${length}`, bytes, null))
      const read = await store.run(() => store.store.get(`bytes/${length}`))
      assert.equal(Buffer.compare(read?.bytes as Uint8Array, bytes), 0)
    }
  })

  test('bytes belong to the caller: before a write has ended and after a read', async () => {
    const bytes = bytesOf('mine')
    await store.run(() => {
      const written = store.store.putIf('bytes/owner', bytes, null)
      bytes.fill(0)
      return written
    })
    const read = await store.run(() => store.store.get('bytes/owner'))
    read?.bytes.fill(0)
    assert.equal(await store.text('bytes/owner'), 'mine')
  })
}

const WRITERS = 12

function testManyWriters(store: Store): void {
  test('of many that create an object at once one wins, and its bytes are there', async () => {
    for (let round = 0; round < 5; round++) {
      const key = `race/create-${round}`
      const answers = await store.run(() =>
        Promise.all(
          Array.from({ length: WRITERS }, (_, i) =>
            store.fixture.open().putIf(key, bytesOf(`writer ${i}`), null),
          ),
        ),
      )
      const winners = answers.flatMap((version, i) => (version === null ? [] : [i]))
      assert.equal(winners.length, 1, `winners: ${winners}`)
      assert.equal(await store.text(key), `writer ${winners[0]}`)
    }
  })

  test('of many that replace one version one wins', async () => {
    let version = await store.create('race/replace', 'start')
    for (let round = 0; round < 5; round++) {
      const answers = await store.run(() =>
        Promise.all(
          Array.from({ length: WRITERS }, (_, i) =>
            store.fixture.open().putIf('race/replace', bytesOf(`${round}/${i}`), version),
          ),
        ),
      )
      const winners = answers.flatMap((answer, i) => (answer === null ? [] : [i]))
      assert.equal(winners.length, 1, `winners: ${winners}`)
      assert.equal(await store.text('race/replace'), `${round}/${winners[0]}`)
      version = answers[winners[0] as number] as string
    }
  })

  test('a counter that many raise with conditional writes loses none', async () => {
    await store.create('race/counter', '0')
    const raise = async (client: ObjectStore): Promise<void> => {
      for (let done = 0; done < 5; ) {
        const seen = await client.get('race/counter')
        const next = Number(text.decode(seen?.bytes)) + 1
        const won = await client.putIf('race/counter', bytesOf(`${next}`), seen?.version as string)
        if (won !== null) done++
      }
    }
    await store.run(() => Promise.all(Array.from({ length: 4 }, () => raise(store.fixture.open()))))
    assert.equal(await store.text('race/counter'), '20')
  })

  test('an object that is removed while others replace it stays removed', async () => {
    for (let round = 0; round < 5; round++) {
      const version = await store.create('race/remove', `${round}`)
      await store.run(() =>
        Promise.all([
          ...Array.from({ length: 4 }, () =>
            store.fixture.open().putIf('race/remove', bytesOf('late'), version),
          ),
          store.fixture.open().remove('race/remove'),
        ]),
      )
      const left = await store.text('race/remove')
      if (store.fixture.ordersRemovals !== false || left !== 'late') assert.equal(left, null)
      await store.run(() => store.store.remove('race/remove'))
      assert.equal(await store.text('race/remove'), null)
    }
  })

  test('an object that is removed and created at once is whole or not there', async () => {
    for (let round = 0; round < 10; round++) {
      await store.run(() =>
        Promise.all([
          store.fixture.open().putIf('race/both', bytesOf('whole'), null),
          store.fixture.open().remove('race/both'),
          store.fixture.open().putIf('race/both', bytesOf('whole'), null),
        ]),
      )
      assert.ok([null, 'whole'].includes(await store.text('race/both')))
    }
  })
}
