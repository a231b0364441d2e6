/**
 * The contract of topics that come and go: what brokers make when they are asked for it, and which
 * topic of a name is meant.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProtocolError } from '../client/protocol-errors.ts'
import { ContractProducer, fetchOnce, placeOf, type RunScenario } from './contract-fixture.ts'

export function testTopicContract(name: string, run: RunScenario): void {
  test(`${name} refuses a fetch by the id of a topic that was made anew, and not one by its name`, () =>
    run(async (fixture) => {
      const client = await fixture.connect()
      const topic = await fixture.createTopic(1)
      const { topicId: former } = await placeOf(client, topic, 0)
      assert.equal(former !== null, fixture.hasTopicIds)
      const producer = new ContractProducer(fixture, client, null)
      await producer.send(topic, 0, ['a'])
      assert.deepEqual((await fetchOnce(client, topic, 0)).values, ['a'])
      await fixture.makeTopicAnew(topic)
      const { topicId } = await placeOf(client, topic, 0)
      await new ContractProducer(fixture, client, null).send(topic, 0, ['x', 'y'])
      const read = { offset: 1, topicId: null }
      assert.deepEqual((await fetchOnce(client, topic, 0, read)).values, ['y'])
      if (!fixture.hasTopicIds) return
      assert.notEqual(topicId, former)
      assert.deepEqual((await fetchOnce(client, topic, 0, { ...read, topicId })).values, ['y'])
      const refused = await fetchOnce(client, topic, 0, { ...read, topicId: former })
      assert.equal(refused.error, ProtocolError.UNKNOWN_TOPIC_ID)
      assert.deepEqual(refused.values, [])
    }))

  test(`${name} makes a topic that is asked for, in its own time, where it is set to, and no other`, () =>
    run(async (fixture) => {
      const client = await fixture.connect()
      const [topic, other] = [fixture.freshName(), fixture.freshName()]
      const errorOf = async (creates: boolean, wanted: string) =>
        (await client.metadata([wanted], { creates })).topics[0]?.error
      let error = await errorOf(true, topic)
      assert.notEqual(error, ProtocolError.NONE)
      for (let tries = 0; tries < 50 && error !== ProtocolError.NONE; tries++) {
        await fixture.delay(fixture.createsTopics ? 100 : 10)
        error = await errorOf(true, topic)
      }
      const { NONE, UNKNOWN_TOPIC_OR_PARTITION } = ProtocolError
      assert.equal(error, fixture.createsTopics ? NONE : UNKNOWN_TOPIC_OR_PARTITION)
      assert.equal(await errorOf(false, other), UNKNOWN_TOPIC_OR_PARTITION)
      await fixture.delay(300)
      assert.equal(await errorOf(false, other), UNKNOWN_TOPIC_OR_PARTITION)
      const name = 'auto.create.topics.enable'
      const configs = await client.describeBrokerConfigs([name])
      assert.equal(configs?.get(name), String(fixture.createsTopics))
    }))
}
