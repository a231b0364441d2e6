/**
 * A session for tests: small connectors and a format that only plan, and the tables
 * of the main job.
 */
import type { Format, TableConnector } from '@millrace/connector'
import { Configuration, isMillraceError, type MillraceError, option } from '@millrace/core'
import { TableEnvironment } from '../environment/table-environment.ts'

const text = (key: string) =>
  option.string<string | undefined>({ key, defaultValue: undefined, description: key })

function never(): never {
  throw new Error('Planning must not run a connector.')
}

/** Reads (`source`), writes (`sink`); takes updates when named `print` or `blackhole`. */
function planned(name: string, parts: { source?: boolean; sink?: boolean }): TableConnector {
  return {
    name,
    options: [text('topic'), text('format'), text('scan.startup.mode')],
    optionPrefixes: ['properties.'],
    ...(parts.source === true
      ? {
          source: {
            plan: ({ options }) => ({
              ...(options.topic === undefined ? {} : { reads: options.topic.split(';') }),
              bounded: options.topic === 'bounded',
              config: { topic: options.topic ?? null },
              ...(options['scan.parallelism'] === undefined
                ? {}
                : { parallelism: Number(options['scan.parallelism']) }),
            }),
            createEnumerator: never,
            createReader: never,
          },
        }
      : {}),
    ...(parts.sink === true
      ? {
          sink: {
            plan: ({ options }) => ({
              config: { topic: options.topic ?? null },
              accepts: name === 'print' ? 'retract' : name === 'blackhole' ? 'upsert' : 'insert',
              ...(options['sink.parallelism'] === undefined
                ? {}
                : { parallelism: Number(options['sink.parallelism']) }),
            }),
            createWriter: never,
          },
        }
      : {}),
  }
}

const json: Format = {
  name: 'json',
  options: [text('json.timestamp-format.standard')],
  validate: () => {},
  createDecoder: never,
  createEncoder: never,
}

export const CONNECTORS: readonly TableConnector[] = [
  planned('kafka', { source: true, sink: true }),
  planned('datagen', { source: true }),
  planned('print', { sink: true }),
  planned('blackhole', { sink: true }),
]

export const READINGS = `CREATE TABLE sensor_readings (sensor_id STRING, temperature DOUBLE,
  humidity DOUBLE, event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '10' SECOND)
WITH ('connector' = 'kafka', 'topic' = 'sensor-readings', 'properties.bootstrap.servers' = 'x',
  'properties.group.id' = 'g', 'scan.startup.mode' = 'earliest-offset', 'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601')`

export const AGGREGATES = `CREATE TABLE sensor_aggregates (sensor_id STRING,
  window_start TIMESTAMP(3), window_end TIMESTAMP(3), avg_temperature DOUBLE,
  max_temperature DOUBLE, min_temperature DOUBLE, avg_humidity DOUBLE, reading_count BIGINT)
WITH ('connector' = 'kafka', 'topic' = 'sensor-aggregates', 'format' = 'json')`

export const MAIN_JOB = `INSERT INTO sensor_aggregates
SELECT sensor_id, window_start, window_end, AVG(temperature) AS avg_temperature,
  MAX(temperature) AS max_temperature, MIN(temperature) AS min_temperature,
  AVG(humidity) AS avg_humidity, COUNT(*) AS reading_count
FROM TABLE(TUMBLE(TABLE sensor_readings, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
GROUP BY sensor_id, window_start, window_end`

/** A session with the tables of the main job and `events`, of every type. */
export function session(configuration: Record<string, string> = {}): TableEnvironment {
  let jobs = 0
  const environment = new TableEnvironment({
    connectors: new Map(CONNECTORS.map((connector) => [connector.name, connector])),
    formats: new Map([['json', json]]),
    configuration: new Configuration(configuration),
    random: () => String(++jobs).padStart(32, '0'),
  })
  environment.execute(READINGS)
  environment.execute(AGGREGATES)
  environment.execute(`CREATE TABLE events (id BIGINT NOT NULL, n INT, price DECIMAL(10, 2),
    ok BOOLEAN, name STRING, day DATE, ts TIMESTAMP(3), at TIMESTAMP_LTZ(3), twice AS n * 2,
    proc AS PROCTIME(), WATERMARK FOR ts AS ts)
    WITH ('connector' = 'datagen')`)
  environment.execute(
    `CREATE TABLE updates (name STRING, total BIGINT) WITH ('connector' = 'print')`,
  )
  return environment
}

/** The error that a statement gives; fails when it gives none, or one that is no MillraceError. */
export function errorOf(run: () => unknown): MillraceError {
  try {
    run()
  } catch (error) {
    if (isMillraceError(error)) return error
    throw error
  }
  throw new Error('The statement was accepted.')
}
