/**
 * `node test/sql/corpus-table.ts`: writes how many cases of the SQL corpus pass, depart and are not
 * right yet into CONTRIBUTING.md, between its markers. corpus.test.ts runs the cases against their
 * states, and compares the table.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { countStates, readNotYet } from './corpus-states.ts'

const DOCUMENT = fileURLToPath(new URL('../../CONTRIBUTING.md', import.meta.url))
const BEGIN = '<!-- corpus-table -->'
const END = '<!-- /corpus-table -->'
/** Reasons that are named in the line below the table. */
const REASONS_SHOWN = 12

/** The document as it is, and as it should be. */
export function documentWithTable(): { readonly current: string; readonly wanted: string } {
  const current = readFileSync(DOCUMENT, 'utf8')
  const begin = current.indexOf(BEGIN)
  const end = current.indexOf(END)
  if (begin < 0 || end < begin) throw new Error(`Put ${BEGIN} and ${END} into CONTRIBUTING.md.`)
  const wanted = `${current.slice(0, begin)}${BEGIN}\n${tableText()}\n${current.slice(end)}`
  return { current, wanted }
}

function tableText(): string {
  const counts = countStates()
  const sum = (key: 'cases' | 'passes' | 'departs' | 'notYet') =>
    counts.reduce((total, each) => total + each[key], 0)
  const rows = [
    ...counts.map(({ folder, ...each }) => ({ name: `\`${folder}\``, ...each })),
    {
      name: 'together',
      cases: sum('cases'),
      passes: sum('passes'),
      departs: sum('departs'),
      notYet: sum('notYet'),
    },
  ]
  return [
    '| folder | cases | passes | departs | not yet |',
    '|---|---|---|---|---|',
    ...rows.map(
      ({ name, cases, passes, departs, notYet }) =>
        `| ${name} | ${cases} | ${passes} | ${departs} | ${notYet} |`,
    ),
    '',
    `What most wait for: ${mostWaitedFor()}.`,
  ].join('\n')
}

function mostWaitedFor(): string {
  const byReason = new Map<string, number>()
  for (const { name } of readNotYet().values()) {
    byReason.set(name, (byReason.get(name) ?? 0) + 1)
  }
  return [...byReason]
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    .slice(0, REASONS_SHOWN)
    .map(([reason, count]) => `${reason} ${count}`)
    .join(', ')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(DOCUMENT, documentWithTable().wanted)
}
