/**
 * The door `@millrace/connector-kafka/contract`: what every cluster behind the KafkaClient port
 * must answer, as tests.
 */
import type { RunScenario } from './contract-fixture.ts'
import { testLogContract } from './log-contract.ts'
import { testTopicContract } from './topic-contract.ts'
import { testTransactionContract } from './transaction-contract.ts'

export type { KafkaClientFixture, RunScenario } from './contract-fixture.ts'

/** Declares the tests; `run` gives each scenario a fixture. */
export function testKafkaClientContract(name: string, run: RunScenario): void {
  testLogContract(name, run)
  testTopicContract(name, run)
  testTransactionContract(name, run)
}
