/** Makes a client for real brokers from a table's `properties.*`. */
import type { Platform } from '@millrace/platform'
import type { KafkaClient } from './kafka-client.ts'
import {
  type KafkaSettings,
  parseKafkaProperties,
  warnUnknownProperties,
} from './kafka-properties.ts'
import { NetworkKafkaClient } from './network-kafka-client.ts'

/** Makes a client from settings; a simulated broker is put here. */
export type KafkaClientFactory = (settings: KafkaSettings, platform: Platform) => KafkaClient

/** How source and sink come by a client, given a table's properties. */
export type OpenClient = (
  properties: Readonly<Record<string, string>>,
) => Promise<{ readonly client: KafkaClient; readonly settings: KafkaSettings }>

export async function openKafkaClient(
  properties: Readonly<Record<string, string>>,
  platform: Platform,
  factory: KafkaClientFactory = (settings) => new NetworkKafkaClient(settings, platform),
): Promise<{ readonly client: KafkaClient; readonly settings: KafkaSettings }> {
  const settings = await parseKafkaProperties(properties, platform.filesystem)
  warnUnknownProperties(properties, platform.logger)
  return { client: factory(settings, platform), settings }
}
