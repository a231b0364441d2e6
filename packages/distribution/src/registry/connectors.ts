/**
 * Every connector and format that this distribution ships, by name.
 *
 * Connectors are loaded when a table first names them: an idle JobManager holds none, and a slot
 * only those of its job. Readers, writers and enumerators are made in synchronous factories, so
 * loading is synchronous too (`require` of a module without top-level await).
 */
import { createRequire } from 'node:module'
import type { ConnectorRegistry, Format, TableConnector } from '@millrace/connector'
import { jsonFormat } from '@millrace/connector'
import { LazyMap } from './lazy-map.ts'

type Basic = typeof import('@millrace/connector-basic')
type Filesystem = typeof import('@millrace/connector-filesystem')
type Kafka = typeof import('@millrace/connector-kafka')

const load = createRequire(import.meta.url)
const basic = () => load('@millrace/connector-basic') as Basic
const filesystem = () => load('@millrace/connector-filesystem') as Filesystem
const kafka = () => load('@millrace/connector-kafka') as Kafka

export const formats: ReadonlyMap<string, Format> = new Map([[jsonFormat.name, jsonFormat]])

export const connectors: ConnectorRegistry = new LazyMap<TableConnector>({
  kafka: () => kafka().kafkaConnector,
  filesystem: () => filesystem().filesystemConnector,
  datagen: () => basic().datagenConnector,
  print: () => basic().printConnector,
  blackhole: () => basic().blackholeConnector,
})
