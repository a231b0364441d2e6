/**
 * `properties.*` of a table → settings of a client, once, where a client is made.
 *
 * Names and meanings are those of Kafka's Java clients; unknown ones pass with a warning. Secrets
 * stay in the returned settings and never enter a message or a log line.
 */
import { nearestName } from '@millrace/core'
import type { Filesystem, Logger } from '@millrace/platform'
import { kafkaError } from '../error-codes.ts'
import type { IsolationLevel } from './kafka-client.ts'

export interface SaslSettings {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
  readonly username: string
  readonly password: string
}

export interface TlsSettings {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly passphrase?: string
  readonly verifyHostname: boolean
}

export const COMPRESSION_TYPES = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
export type CompressionType = (typeof COMPRESSION_TYPES)[number]

export interface KafkaSettings {
  readonly bootstrapServers: readonly { readonly host: string; readonly port: number }[]
  readonly clientId: string
  readonly groupId: string | null
  readonly sasl: SaslSettings | null
  readonly tls: TlsSettings | null
  /** One request's answer must come within this. */
  readonly requestTimeoutMs: number
  readonly connectTimeoutMs: number
  /** Retrying ends after this. */
  readonly retryTimeoutMs: number
  readonly retryBackoffMs: number
  readonly retryBackoffMaxMs: number
  readonly isolation: IsolationLevel
  readonly autoOffsetReset: 'earliest' | 'latest' | null
  readonly fetchMaxBytes: number
  readonly fetchPartitionMaxBytes: number
  readonly fetchMinBytes: number
  readonly fetchMaxWaitMs: number
  /** `null`: the broker's largest, at most an hour. */
  readonly transactionTimeoutMs: number | null
  readonly compression: CompressionType
  readonly idempotent: boolean
  readonly batchBytes: number
  readonly lingerMs: number
  readonly queueBytesMax: number
  readonly checkCrcs: boolean
}

const KNOWN = new Set(
  (
    'bootstrap.servers client.id group.id security.protocol sasl.mechanism sasl.jaas.config ssl.truststore.type ' +
    'ssl.truststore.certificates ssl.truststore.location ssl.keystore.type ssl.keystore.certificate.chain ssl.keystore.key ' +
    'ssl.keystore.location ssl.key.password ssl.endpoint.identification.algorithm request.timeout.ms ' +
    'socket.connection.setup.timeout.ms default.api.timeout.ms delivery.timeout.ms retry.backoff.ms retry.backoff.max.ms ' +
    'isolation.level auto.offset.reset fetch.max.bytes max.partition.fetch.bytes fetch.min.bytes fetch.max.wait.ms ' +
    'transaction.timeout.ms compression.type enable.idempotence batch.size linger.ms buffer.memory check.crcs acks'
  ).split(' '),
)

type Properties = Readonly<Record<string, string>>

function invalid(key: string, message: string, hint?: string) {
  return kafkaError('KAFKA_OPTION_INVALID', message, {
    location: { optionKey: `properties.${key}` },
    ...(hint === undefined ? {} : { hint }),
  })
}

function integer(properties: Properties, key: string, fallback: number, min = 0): number {
  const text = properties[key]
  if (text === undefined) return fallback
  const value = Number(text)
  if (Number.isSafeInteger(value) && value >= min && value <= 0x7fffffff) return value
  throw invalid(
    key,
    `Set 'properties.${key}' to a whole number of at least ${min}; it is '${text}'.`,
  )
}

function choice<T extends string>(
  properties: Properties,
  key: string,
  values: readonly T[],
  fallback: T,
): T {
  const text = properties[key]
  if (text === undefined) return fallback
  const match = values.find((value) => value.toLowerCase() === text.trim().toLowerCase())
  if (match !== undefined) return match
  const near = nearestName(text, values)
  throw invalid(
    key,
    `Set 'properties.${key}' to one of ${values.join(', ')}; it is '${text}'.`,
    near === undefined ? undefined : `Did you mean '${near}'?`,
  )
}

/** `host:port,host:port`, IPv6 in brackets. */
export function parseBootstrapServers(text: string | undefined) {
  const servers = []
  for (const entry of (text ?? '').split(',')) {
    if (entry.trim() === '') continue
    const match = /^(?:[A-Z_]+:\/\/)?(?:\[([^\]]+)\]|([^:\s]+)):(\d{1,5})$/.exec(entry.trim())
    if (match === null) {
      throw invalid(
        'bootstrap.servers',
        `Write 'properties.bootstrap.servers' as host:port, separated by commas; it holds '${entry.trim()}'.`,
      )
    }
    servers.push({ host: (match[1] ?? match[2]) as string, port: Number(match[3]) })
  }
  if (servers.length > 0) return servers
  throw invalid(
    'bootstrap.servers',
    "Set 'properties.bootstrap.servers' to the brokers' addresses; it is missing.",
    "For example: 'properties.bootstrap.servers' = 'localhost:9092'",
  )
}

function parseSasl(properties: Properties): SaslSettings {
  const mechanism = choice(
    properties,
    'sasl.mechanism',
    ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'GSSAPI', 'OAUTHBEARER', 'AWS_MSK_IAM'],
    'GSSAPI',
  )
  if (mechanism === 'GSSAPI' || mechanism === 'OAUTHBEARER' || mechanism === 'AWS_MSK_IAM') {
    throw invalid(
      'sasl.mechanism',
      `Not supported yet: SASL mechanism ${mechanism}.`,
      "Set 'properties.sasl.mechanism' to PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.",
    )
  }
  const jaas = properties['sasl.jaas.config'] ?? ''
  const field = (name: string) => {
    const match = new RegExp(`\\b${name}\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s;"]+))`).exec(
      jaas,
    )
    return match === null ? undefined : (match[1]?.replace(/\\(.)/g, '$1') ?? match[2])
  }
  const username = field('username')
  const password = field('password')
  if (username === undefined || password === undefined) {
    throw invalid(
      'sasl.jaas.config',
      "Set 'properties.sasl.jaas.config' with a username and a password (its value is not shown).",
      'For example: org.apache.kafka.common.security.plain.PlainLoginModule required username="…" password="…";',
    )
  }
  return { mechanism: mechanism.toLowerCase() as SaslSettings['mechanism'], username, password }
}

async function readPem(filesystem: Filesystem, properties: Properties, key: string) {
  const path = properties[key]
  if (path === undefined) return undefined
  try {
    return new TextDecoder().decode(await filesystem.readFile(path))
  } catch (cause) {
    throw kafkaError('KAFKA_OPTION_INVALID', `Cannot read the file '${path}'.`, {
      location: { optionKey: `properties.${key}`, file: path },
      cause,
    })
  }
}

async function parseTls(properties: Properties, filesystem: Filesystem): Promise<TlsSettings> {
  for (const key of ['ssl.truststore.type', 'ssl.keystore.type']) {
    const location = properties[key.replace('type', 'location')]
    const type = (
      properties[key] ?? (location?.endsWith('.pem') ? 'PEM' : undefined)
    )?.toUpperCase()
    if ((type !== undefined && type !== 'PEM') || (type === undefined && location !== undefined)) {
      throw invalid(
        key,
        `Not supported yet: ${type ?? 'JKS'} key stores; only PEM is.`,
        `Convert it to PEM and set 'properties.${key}' = 'PEM'.`,
      )
    }
  }
  const trust =
    properties['ssl.truststore.certificates'] ??
    (await readPem(filesystem, properties, 'ssl.truststore.location'))
  const keystore = await readPem(filesystem, properties, 'ssl.keystore.location')
  const cert = properties['ssl.keystore.certificate.chain'] ?? keystore
  const key = properties['ssl.keystore.key'] ?? keystore
  const passphrase = properties['ssl.key.password']
  return {
    ...(trust === undefined ? {} : { ca: trust }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(passphrase === undefined ? {} : { passphrase }),
    verifyHostname: properties['ssl.endpoint.identification.algorithm'] !== '',
  }
}

/** `properties`: without the `properties.` prefix. Throws KAFKA_OPTION_INVALID. */
export async function parseKafkaProperties(
  properties: Properties,
  filesystem: Filesystem,
): Promise<KafkaSettings> {
  const protocol = choice(
    properties,
    'security.protocol',
    ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'],
    'PLAINTEXT',
  )
  const timeoutText = properties['transaction.timeout.ms']
  return {
    bootstrapServers: parseBootstrapServers(properties['bootstrap.servers']),
    clientId: properties['client.id'] ?? 'millrace',
    groupId: properties['group.id'] ?? null,
    sasl: protocol.startsWith('SASL') ? parseSasl(properties) : null,
    tls: protocol.endsWith('SSL') ? await parseTls(properties, filesystem) : null,
    requestTimeoutMs: integer(properties, 'request.timeout.ms', 30_000, 1),
    connectTimeoutMs: integer(properties, 'socket.connection.setup.timeout.ms', 5_000, 1),
    retryTimeoutMs: integer(properties, 'default.api.timeout.ms', 30_000, 1),
    retryBackoffMs: integer(properties, 'retry.backoff.ms', 100, 1),
    retryBackoffMaxMs: integer(properties, 'retry.backoff.max.ms', 1_000, 1),
    isolation: choice(
      properties,
      'isolation.level',
      ['read_uncommitted', 'read_committed'],
      'read_uncommitted',
    ),
    autoOffsetReset: parseReset(properties),
    fetchMaxBytes: integer(properties, 'fetch.max.bytes', 4 << 20, 1024),
    fetchPartitionMaxBytes: integer(properties, 'max.partition.fetch.bytes', 4 << 20, 1024),
    fetchMinBytes: integer(properties, 'fetch.min.bytes', 1, 1),
    fetchMaxWaitMs: integer(properties, 'fetch.max.wait.ms', 500),
    transactionTimeoutMs:
      timeoutText === undefined ? null : integer(properties, 'transaction.timeout.ms', 0, 1),
    compression: choice(properties, 'compression.type', COMPRESSION_TYPES, 'none'),
    idempotent: choice(properties, 'enable.idempotence', ['true', 'false'], 'true') === 'true',
    batchBytes: integer(properties, 'batch.size', 128 << 10, 1),
    lingerMs: integer(properties, 'linger.ms', 5),
    queueBytesMax: integer(properties, 'buffer.memory', 8 << 20, 64 << 10),
    checkCrcs: choice(properties, 'check.crcs', ['true', 'false'], 'true') === 'true',
  }
}

function parseReset(properties: Properties): 'earliest' | 'latest' | null {
  const value = choice(properties, 'auto.offset.reset', ['earliest', 'latest', 'none'], 'none')
  return value === 'none' ? null : value
}

/** Logs one warning for each property that has no effect here. */
export function warnUnknownProperties(properties: Properties, logger: Logger): void {
  for (const key of Object.keys(properties)) {
    if (KNOWN.has(key)) continue
    const near = nearestName(key, KNOWN)
    logger.warn(
      `The Kafka property 'properties.${key}' has no effect${near === undefined ? '' : `; did you mean 'properties.${near}'?`}`,
    )
  }
}
