/**
 * Writes `src/control-plane.json`, the parsed form of proto/*.proto, so that a process starts
 * without parsing (or finding) the .proto files. Run after every change of them: `node
 * packages/protocol/bin/generate-descriptor.ts`; a test holds the two together.
 */
import { writeFileSync } from 'node:fs'
import { parseProtoFiles } from './parse-proto-files.ts'

writeFileSync(
  new URL('../src/control-plane.json', import.meta.url),
  JSON.stringify(parseProtoFiles(), null, 2) + '\n',
)
