/** What to do about a directory that cannot be written, by the code of Node's error. */
const HINTS: Readonly<Record<string, string>> = {
  EACCES: 'Let the user that runs the JobManager write there, or choose another directory.',
  EPERM: 'Let the user that runs the JobManager write there, or choose another directory.',
  EROFS: 'Mount the filesystem writable, or choose another directory.',
  ENOSPC: 'Free space on its disk, or choose another directory.',
  EDQUOT: 'Raise the user’s disk quota, or choose another directory.',
  ENOTDIR: 'A part of the path is a file; choose another directory.',
  EEXIST: 'A part of the path is a file; choose another directory.',
}

/** Undefined: nothing that somebody has to mend, perhaps a disk that stumbles. */
export function directoryHint(code: string): string | undefined {
  return HINTS[code]
}

/** What to do about something that cannot be read; undefined: nothing that is known. */
export function readingHint(code: string): string | undefined {
  if (code !== 'EACCES' && code !== 'EPERM') return undefined
  return 'Let the user that runs this process read the directory and the files in it.'
}
