/**
 * JSON inside control-plane messages (`*_json` fields).
 *
 * Plain JSON plus what it lacks and our data has: ±Infinity and NaN (watermarks), bigint, and bytes
 * (list state, small handles) as base64. `decodeJson(encodeJson(x))` equals `x`, except that
 * `undefined` members disappear.
 */
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

export function encodeJson(value: unknown): Uint8Array {
  return value === undefined ? new Uint8Array(0) : encoder.encode(JSON.stringify(value, replace))
}

/**
 * Empty bytes → undefined. Throws SyntaxError or TypeError on anything else that is not
 * JSON in UTF-8.
 */
export function decodeJson(bytes: Uint8Array): unknown {
  if (bytes.length === 0) return undefined
  const text = decoder.decode(bytes)
  // The reviver visits every node; nearly all messages do without it.
  return text.includes('"$millrace:') ? JSON.parse(text, revive) : JSON.parse(text)
}

function replace(this: Record<string, unknown>, key: string, value: unknown): unknown {
  if (typeof value === 'number') {
    return Number.isFinite(value) ? value : { '$millrace:number': String(value) }
  }
  if (typeof value === 'bigint') return { '$millrace:bigint': String(value) }
  const original = this[key]
  if (original instanceof Uint8Array) {
    const bytes = Buffer.from(original.buffer, original.byteOffset, original.byteLength)
    return { '$millrace:bytes': bytes.toString('base64') }
  }
  return value
}

function revive(_key: string, value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value
  const tagged = value as Record<string, string>
  if ('$millrace:number' in tagged) return Number(tagged['$millrace:number'])
  if ('$millrace:bigint' in tagged) return BigInt(tagged['$millrace:bigint'] as string)
  if ('$millrace:bytes' in tagged) {
    return new Uint8Array(Buffer.from(tagged['$millrace:bytes'] as string, 'base64'))
  }
  return value
}
