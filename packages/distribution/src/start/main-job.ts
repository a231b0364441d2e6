/** The main job's SQL: per sensor and minute, AVG/MAX/MIN temperature, AVG humidity and COUNT. */

const COLUMNS_IN = `sensor_id STRING, temperature DOUBLE, humidity DOUBLE, event_time TIMESTAMP(3),
  WATERMARK FOR event_time AS event_time - INTERVAL '10' SECOND`
const COLUMNS_OUT = `sensor_id STRING, window_start TIMESTAMP(3), window_end TIMESTAMP(3),
  avg_temperature DOUBLE, max_temperature DOUBLE, min_temperature DOUBLE,
  avg_humidity DOUBLE, reading_count BIGINT`

const QUERY = `INSERT INTO sensor_aggregates
SELECT sensor_id, window_start, window_end, AVG(temperature) AS avg_temperature,
       MAX(temperature) AS max_temperature, MIN(temperature) AS min_temperature,
       AVG(humidity) AS avg_humidity, COUNT(*) AS reading_count
FROM TABLE(TUMBLE(TABLE sensor_readings, DESCRIPTOR(event_time), INTERVAL '1' MINUTE))
GROUP BY sensor_id, window_start, window_end;
`

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

function withClause(options: Readonly<Record<string, string>>): string {
  return Object.entries(options)
    .map(([key, value]) => `${quote(key)} = ${quote(value)}`)
    .join(', ')
}

/** The whole script over the given WITH options of its two tables. */
export function mainJobSql(
  source: Readonly<Record<string, string>>,
  sink: Readonly<Record<string, string>>,
  settings: Readonly<Record<string, string>>,
): string {
  const sets = Object.entries({
    'parallelism.default': '3',
    'pipeline.name': 'sensor-aggregator',
    ...settings,
  })
    .map(([key, value]) => `SET ${quote(key)} = ${quote(value)};\n`)
    .join('')
  const json = { format: 'json', 'json.timestamp-format.standard': 'ISO-8601' }
  return `CREATE TABLE sensor_readings (${COLUMNS_IN})
WITH (${withClause({ ...source, ...json })});
CREATE TABLE sensor_aggregates (${COLUMNS_OUT})
WITH (${withClause({ ...sink, ...json })});
${sets}${QUERY}`
}

export interface MainJobTopics {
  readonly readings: string
  readonly aggregates: string
}

/** The WITH options of the two Kafka tables. */
export function kafkaTables(
  bootstrapServers: string,
  topics: MainJobTopics = { readings: 'sensor-readings', aggregates: 'sensor-aggregates' },
): {
  readonly source: Record<string, string>
  readonly sink: Record<string, string>
} {
  const servers = { 'properties.bootstrap.servers': bootstrapServers }
  return {
    source: {
      connector: 'kafka',
      topic: topics.readings,
      ...servers,
      'properties.group.id': 'sensor-aggregator',
      'scan.startup.mode': 'earliest-offset',
    },
    sink: { connector: 'kafka', topic: topics.aggregates, ...servers },
  }
}

/** A script that follows the committed results of the Kafka sink, from now on. */
export function resultTableSql(bootstrapServers: string, topics: MainJobTopics): string {
  const options = {
    ...kafkaTables(bootstrapServers, topics).sink,
    format: 'json',
    'json.timestamp-format.standard': 'ISO-8601',
    'scan.startup.mode': 'latest-offset',
    'properties.isolation.level': 'read_committed',
  }
  return `SET 'parallelism.default' = '1';
SET 'pipeline.name' = 'sensor-aggregates-viewer';
SET 'execution.checkpointing.interval' = '0 ms';
CREATE TABLE sensor_aggregates (${COLUMNS_OUT})
WITH (${withClause(options)});
SELECT * FROM sensor_aggregates;
`
}
