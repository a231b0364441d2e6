/** The scheme of a location in lower case (`file`, `s3`), null of a path. */
export function schemeOf(location: string): string | null {
  // Most are paths.
  if (location.startsWith('/')) return null
  return /^([a-z][a-z0-9+.-]*):/i.exec(location)?.[1]?.toLowerCase() ?? null
}
