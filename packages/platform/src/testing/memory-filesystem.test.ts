/** The filesystem in memory is a filesystem. */
import { testFilesystem } from './filesystem-contract.ts'
import { MemoryFilesystem } from './memory-filesystem.ts'

testFilesystem('memory', async () => {
  const filesystem = new MemoryFilesystem()
  await filesystem.makeDirectory('/contract/files')
  return { filesystem, root: '/contract/files', dispose: async () => {} }
})
