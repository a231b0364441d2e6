/**
 * The JSON descriptor of proto/*.proto, in camel case; used by the generator and by the test
 * that compares.
 */
import { fileURLToPath } from 'node:url'
import protobuf from 'protobufjs'

export function parseProtoFiles(): unknown {
  const root = new protobuf.Root()
  const directory = new URL('../../../proto/', import.meta.url)
  root.resolvePath = (_origin, target) =>
    target.startsWith('/') ? target : fileURLToPath(new URL(target, directory))
  root.loadSync(['common.proto', 'job-manager.proto', 'task-manager.proto'])
  root.resolveAll()
  return JSON.parse(JSON.stringify(root.toJSON()))
}
