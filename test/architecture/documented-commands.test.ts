/**
 * Every command, statement and program of README and docs is run by a test, and none that is run is
 * documented no more.
 */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { COMMANDS } from '../documented/commands.ts'
import { documented, extract } from '../documented/extract.ts'

describe('README and docs', () => {
  it('tell a reader to type only what a test runs, or what says why not', () => {
    const commands = documented().filter(({ kind }) => kind === 'command')
    const unknown = commands.filter(({ text }) => COMMANDS[text] === undefined)
    assert.deepEqual(
      unknown.map(({ file, line, text }) => `${file}:${line} ${text}`),
      [],
      'Add them to test/documented/commands.ts and run them in the test of their stage.',
    )
    const typed = new Set(commands.map(({ text }) => text))
    assert.deepEqual(
      Object.keys(COMMANDS).filter((text) => !typed.has(text)),
      [],
      'No page has them any more: take them out of test/documented/commands.ts.',
    )
  })

  it('have one block of SQL and one of TypeScript, each run by a test of its own', () => {
    const blocks = documented().filter(({ kind }) => kind !== 'command')
    assert.deepEqual(
      blocks.map(({ file, kind }) => `${file} ${kind}`),
      ['README.md sql', 'docs/testing-your-job.md ts'],
      'test/integration/documented.test.ts and test/end-to-end/documented.test.ts run these two; run a new one there too.',
    )
  })
})

describe('extraction', () => {
  it('takes commands without comments from blocks and text, and leaves pictures', () => {
    const page = 'Type `npm start`, not `SET`.\n```\nnpm test    # all\n\n```\n```\n ─►\n```\n'
    assert.deepEqual(
      extract('p.md', page).map(({ line, text }) => [line, text]),
      [
        [1, 'npm start'],
        [3, 'npm test'],
      ],
    )
  })

  it('refuses a block that nobody runs', () => {
    assert.throws(() => extract('p.md', '```\nls\n```\n'), { message: /^p\.md:2 is neither/ })
    assert.throws(() => extract('p.md', '```sh\nnpm test\n```\n'), { message: /^p\.md:2 / })
    assert.throws(() => extract('p.md', '```\nnpm test\n'), { message: /does not end/ })
  })
})
