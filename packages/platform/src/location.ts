/**
 * Locations as people write them: a path of this machine, a `file:` URI of one, or another URI
 * (`s3://bucket/path`).
 */

/** The scheme of a location in lower case (`file`, `s3`), null of a path. */
export function schemeOf(location: string): string | null {
  // Most are paths.
  if (location.startsWith('/')) return null
  return /^([a-z][a-z0-9+.-]*):/i.exec(location)?.[1]?.toLowerCase() ?? null
}

/**
 * The absolute path behind `/path`, `file:/path`, `file:///path` or `file://localhost/path`,
 * without slashes at its end; null of anything else.
 */
export function localPathOf(location: string): string | null {
  const scheme = schemeOf(location)
  if (scheme !== null && scheme !== 'file') return null
  const path = scheme === null ? location : decoded(location)
  return path?.startsWith('/') ? path.replace(/(.)\/+$/, '$1') : null
}

/** Null when the URI names another host, has no absolute path, or a % that means nothing. */
function decoded(uri: string): string | null {
  const path = /^file:(?:\/\/(?:localhost)?)?(\/(?!\/).*)$/i.exec(uri)?.[1]
  try {
    return path === undefined ? null : decodeURI(path)
  } catch {
    return null
  }
}
