/** The `kafka` table connector: planning, enumerator, reader and writer under one name. */
import type { TableConnector } from '@millrace/connector'
import { type KafkaClientFactory, openKafkaClient } from './client/open-kafka-client.ts'
import { KAFKA_OPTIONS } from './kafka-options.ts'
import {
  type KafkaSinkConfig,
  type KafkaSourceConfig,
  planKafkaSink,
  planKafkaSource,
} from './kafka-table.ts'
import { KafkaWriter } from './sink/kafka-writer.ts'
import { KafkaEnumerator } from './source/kafka-enumerator.ts'
import { KafkaReader } from './source/kafka-reader.ts'

/** `clientFactory`: where clients come from; real brokers when absent. */
export function createKafkaConnector(clientFactory?: KafkaClientFactory): TableConnector {
  return {
    name: 'kafka',
    options: Object.values(KAFKA_OPTIONS),
    optionPrefixes: ['properties.'],
    source: {
      plan: planKafkaSource,
      createEnumerator: (config, context) =>
        new KafkaEnumerator(config as KafkaSourceConfig, context, (properties) =>
          openKafkaClient(properties, context.platform, clientFactory),
        ),
      createReader: (config, context) =>
        new KafkaReader(config as KafkaSourceConfig, context, (properties) =>
          openKafkaClient(properties, context.platform, clientFactory),
        ),
    },
    sink: {
      plan: planKafkaSink,
      createWriter: (config, context) =>
        new KafkaWriter(
          config as KafkaSinkConfig,
          context,
          (properties: Readonly<Record<string, string>>) =>
            openKafkaClient(properties, context.platform, clientFactory),
        ),
    },
  }
}

/** The connector over real brokers. */
export const kafkaConnector: TableConnector = createKafkaConnector()
