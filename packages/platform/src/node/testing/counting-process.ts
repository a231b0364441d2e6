/**
 * Raises a counter in an object store for ever, one line per success; killed by its parent.
 * For tests only.
 */
import { createNodePlatform } from '../index.ts'

const store = createNodePlatform().objectStores.open(process.argv[2] as string)
for (;;) {
  const seen = await store.get('counter')
  const next = Number(new TextDecoder().decode(seen?.bytes)) + 1
  const bytes = new TextEncoder().encode(String(next))
  if ((await store.putIf('counter', bytes, seen?.version ?? null)) !== null) {
    process.stdout.write(`${next}\n`)
  }
}
