// `npm start`: installs what is missing (the only step that needs a network), then runs the main job on an embedded default.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { ROOT, runWithPinnedNode } from './pinned-node.mjs'

function installed() {
  const marker = new URL('node_modules/.package-lock.json', ROOT)
  if (!existsSync(marker)) return false
  const wanted = JSON.parse(readFileSync(new URL('package-lock.json', ROOT), 'utf8')).packages
  const present = JSON.parse(readFileSync(marker, 'utf8')).packages
  return Object.entries(wanted).every(([path, { version, optional, link }]) => {
    if (path === '' || link || !path.startsWith('node_modules/')) return true
    // Packages of other machines are rightly missing; one of this machine must be the one that is pinned.
    return present[path]?.version === version || (optional && present[path] === undefined)
  })
}

if (!installed()) {
  console.error('Installing dependencies (npm ci) …')
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: fileURLToPath(ROOT),
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (status !== 0) {
    console.error('npm ci failed: see above. Is the package registry reachable?')
    process.exit(1)
  }
}
await runWithPinnedNode(new URL('../src/start/start.ts', import.meta.url))
