/**
 * Functions between texts and their codes: CHR, HEX, BIN, Base64, URL encoding. UTF-8 throughout.
 */
import { type FunctionSpec, isString, isWhole, STRING } from './function-spec.ts'

const ENCODER = new TextEncoder()
const DECODER = new TextDecoder()

const oneText = (
  name: string,
  nulls: 'strict' | 'strict-nullable',
  apply: (text: string) => string | null,
): FunctionSpec => ({
  name,
  nulls,
  infer: (args) => (args.length === 1 && isString(args[0]) ? STRING : 'one STRING'),
  bind: () => (_context, text: string) => apply(text),
})

/** The bits of a whole number, in two's complement when negative, in base 2 or 16. */
function wholeInBase(value: number | bigint, base: 2 | 16): string {
  return BigInt.asUintN(64, BigInt(value)).toString(base).toUpperCase()
}

function fromBase64(text: string): string | null {
  try {
    const binary = atob(text)
    return DECODER.decode(Uint8Array.from(binary, (unit) => unit.charCodeAt(0)))
  } catch {
    return null
  }
}

function toBase64(text: string): string {
  let binary = ''
  for (const byte of ENCODER.encode(text)) binary += String.fromCharCode(byte)
  return btoa(binary)
}

function urlDecode(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return null
  }
}

/** As HTML forms do it, which is what the reference's URL_ENCODE does: a space becomes +. */
function urlEncode(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replaceAll('%20', '+')
    .replace(/[!'()~]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}

export const TEXT_CODES: readonly FunctionSpec[] = [
  {
    name: 'chr',
    nulls: 'strict',
    infer: (args) => (args.length === 1 && isWhole(args[0]) ? STRING : 'one whole number'),
    bind: () => (_context, code: number | bigint) => {
      const n = Number(code)
      // As the reference: beyond one byte only the low byte counts, negative ones give nothing.
      return n < 0 ? '' : String.fromCharCode(n & 0xff)
    },
  },
  {
    name: 'bin',
    nulls: 'strict',
    infer: (args) => (args.length === 1 && isWhole(args[0]) ? STRING : 'one whole number'),
    bind: () => (_context, value: number | bigint) => wholeInBase(value, 2),
  },
  {
    name: 'hex',
    nulls: 'strict',
    infer: (args) =>
      args.length === 1 && (isWhole(args[0]) || isString(args[0]))
        ? STRING
        : 'one whole number or STRING',
    bind: () => (_context, value: number | bigint | string) => {
      if (typeof value !== 'string') return wholeInBase(value, 16)
      let text = ''
      for (const byte of ENCODER.encode(value)) text += byte.toString(16).padStart(2, '0')
      return text.toUpperCase()
    },
  },
  oneText('to_base64', 'strict', toBase64),
  oneText('from_base64', 'strict-nullable', fromBase64),
  oneText('url_encode', 'strict', urlEncode),
  oneText('url_decode', 'strict-nullable', urlDecode),
]
