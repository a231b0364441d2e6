/**
 * The place of an error as people read it: the same words in the SQL client, in `millrace list`
 * and in the log.
 *
 * Stands beside MillraceError, whose message never repeats the place.
 */
import type { ErrorLocation } from './millrace-error.ts'

/** For example `topic readings, partition 2, offset 17`; empty when nothing is known. */
export function describeLocation(location: ErrorLocation | undefined): string {
  if (location === undefined) return ''
  const { line, column, optionKey, file, topic, partition, offset } = location
  const parts: string[] = []
  if (line !== undefined) parts.push(`line ${line}, column ${column ?? 1}`)
  if (optionKey !== undefined) parts.push(`option '${optionKey}'`)
  if (file !== undefined) parts.push(`file ${file}`)
  if (topic !== undefined) parts.push(`topic ${topic}`)
  if (partition !== undefined) parts.push(`partition ${partition}`)
  if (offset !== undefined) parts.push(`${topic === undefined ? 'byte' : 'offset'} ${offset}`)
  // A subtask's name begins with the names of its operators.
  if (location.subtask !== undefined) parts.push(`subtask ${location.subtask}`)
  else if (location.operator !== undefined) parts.push(`operator ${location.operator}`)
  if (location.taskManager !== undefined) parts.push(`TaskManager ${location.taskManager}`)
  return parts.join(', ')
}
