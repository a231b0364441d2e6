/**
 * Errors of simulated files, as Node's: a `code`, the system call and the path, and the same words.
 *
 * Production code tells failures apart by `code` alone; messages reach people.
 */
const WORDS = {
  EACCES: 'permission denied',
  EBADF: 'bad file descriptor',
  EEXIST: 'file already exists',
  EINVAL: 'invalid argument',
  EIO: 'i/o error',
  EISDIR: 'illegal operation on a directory',
  ENOENT: 'no such file or directory',
  ENOSPC: 'no space left on device',
  ENOTDIR: 'not a directory',
  ENOTEMPTY: 'directory not empty',
  EROFS: 'read-only file system',
  ETIMEDOUT: 'operation timed out',
} as const

export type FileFailureCode = keyof typeof WORDS

export function fileFailure(code: FileFailureCode, syscall: string, path: string): Error {
  const message = `${code}: ${WORDS[code]}, ${syscall} '${path}'`
  return Object.assign(new Error(message), { code, syscall, path })
}
