#!/usr/bin/env node
// The `millrace` command: makes sure that a Node that runs TypeScript runs it, then hands over.
import { runWithPinnedNode } from './pinned-node.mjs'

await runWithPinnedNode(new URL('../src/main.ts', import.meta.url))
