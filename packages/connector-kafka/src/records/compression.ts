/**
 * Compression of the records part of a batch, both ways.
 *
 * gzip and zstd by node:zlib, lz4 frames and raw snappy blocks by WebAssembly. Java clients frame
 * snappy in xerial blocks (`\x82SNAPPY\0`, versions, then int32 length + block, …); other clients
 * send one raw block; both are read, xerial is written.
 */
import { createRequire } from 'node:module'
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import type { COMPRESSION_NAMES } from './record-batch-format.ts'

export type CompressionName = (typeof COMPRESSION_NAMES)[number]

type WasmCodecs = typeof import('@platformatic/wasm-utils')

const load = createRequire(import.meta.url)
let loadedCodecs: WasmCodecs | null = null

/**
 * Loaded at the first batch that needs it: it takes 8 MB in every slot, and most topics do without.
 */
function wasm(): WasmCodecs {
  loadedCodecs ??= load('@platformatic/wasm-utils') as WasmCodecs
  return loadedCodecs
}

/** No batch may grow beyond this when decompressed: a bound against corrupt or hostile input. */
const DECOMPRESSED_BYTES_MAX = 256 << 20
const XERIAL_HEADER = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const XERIAL_HEADER_BYTES = 16
const SNAPPY_BLOCK_BYTES = 32 << 10

/** Throws a plain error on damaged input; the caller names the place. */
export function decompress(codec: CompressionName, bytes: Uint8Array): Uint8Array {
  const input = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  switch (codec) {
    case 'none':
      return bytes
    case 'gzip':
      return gunzipSync(input, { maxOutputLength: DECOMPRESSED_BYTES_MAX })
    case 'zstd':
      return zstdDecompressSync(input, { maxOutputLength: DECOMPRESSED_BYTES_MAX })
    case 'lz4':
      return wasm().lz4Decompress(input)
    case 'snappy':
      return decompressSnappy(input)
  }
}

function decompressSnappy(input: Buffer): Uint8Array {
  if (!input.subarray(0, XERIAL_HEADER.length).equals(XERIAL_HEADER))
    return wasm().snappyDecompress(input)
  const blocks: Buffer[] = []
  for (let at = XERIAL_HEADER_BYTES; at < input.length; ) {
    if (at + 4 > input.length) throw new Error('a snappy block is cut short')
    const length = input.readInt32BE(at)
    at += 4
    if (length < 0 || at + length > input.length) throw new Error('a snappy block is cut short')
    blocks.push(wasm().snappyDecompress(input.subarray(at, at + length)))
    at += length
  }
  return blocks.length === 1 ? (blocks[0] as Buffer) : Buffer.concat(blocks)
}

export function compress(codec: CompressionName, bytes: Uint8Array): Uint8Array {
  const input = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  switch (codec) {
    case 'none':
      return bytes
    case 'gzip':
      return gzipSync(input)
    case 'zstd':
      return zstdCompressSync(input)
    case 'lz4':
      return wasm().lz4Compress(input)
    case 'snappy':
      return compressSnappy(input)
  }
}

function compressSnappy(input: Buffer): Uint8Array {
  const header = Buffer.alloc(XERIAL_HEADER_BYTES)
  XERIAL_HEADER.copy(header)
  header.writeInt32BE(1, 8)
  header.writeInt32BE(1, 12)
  const parts: Buffer[] = [header]
  for (let at = 0; at < input.length; at += SNAPPY_BLOCK_BYTES) {
    const block = wasm().snappyCompress(input.subarray(at, at + SNAPPY_BLOCK_BYTES))
    const length = Buffer.alloc(4)
    length.writeInt32BE(block.length)
    parts.push(length, block)
  }
  return Buffer.concat(parts)
}
