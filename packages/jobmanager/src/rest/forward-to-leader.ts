/**
 * REST of a JobManager that does not lead: sends each request on to the leader, and says so when
 * there is none.
 *
 * A request travels once: one that was sent on and meets another standby is refused, so that two
 * that know each other as the leader do not play ball.
 */
import { toErrorData } from '@millrace/core'
import { type LeaderRecord, protocolError } from '@millrace/protocol'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { sendError } from './http-server.ts'

export type Forward = (
  url: string,
  init: {
    readonly method: string
    readonly headers: Readonly<Record<string, string>>
    readonly body?: string
  },
) => Promise<{ readonly status: number; readonly contentType: string; readonly text: string }>

export interface LeaderView {
  readonly servesClients: boolean
  readonly isLeader: boolean
  readonly leader: LeaderRecord | null
}

const FORWARDED = 'x-millrace-forwarded'

/** Before the server listens. `forward` null: a standby only says where the leader is. */
export function forwardToLeader(
  server: FastifyInstance,
  view: LeaderView,
  forward: Forward | null,
): void {
  server.addHook('preHandler', async (request, reply) => {
    if (view.servesClients) return
    const target = view.isLeader ? '' : (view.leader?.restAddress ?? '')
    if (forward === null || target === '' || request.headers[FORWARDED] !== undefined) {
      return sendError(reply, toErrorData(notLeader(view)))
    }
    return send(request, reply, target, forward, view)
  })
}

async function send(
  request: FastifyRequest,
  reply: FastifyReply,
  target: string,
  forward: Forward,
  view: LeaderView,
): Promise<FastifyReply> {
  const hasBody = request.body !== undefined && request.body !== null
  try {
    const answer = await forward(`http://${target}${request.url}`, {
      method: request.method,
      headers: {
        [FORWARDED]: '1',
        ...(hasBody ? { 'content-type': 'application/json' } : {}),
      },
      ...(hasBody ? { body: JSON.stringify(request.body) } : {}),
    })
    return reply.code(answer.status).header('content-type', answer.contentType).send(answer.text)
  } catch (cause) {
    return sendError(reply, toErrorData(notLeader(view, cause)))
  }
}

function notLeader({ isLeader, leader }: LeaderView, cause?: unknown) {
  const details = {
    hint: 'Ask again in a moment.',
    ...(cause === undefined ? {} : { cause }),
  }
  if (isLeader) {
    return protocolError('NOT_LEADER', 'This JobManager is just taking over the jobs.', details)
  }
  if (leader === null || leader.restAddress === '') {
    return protocolError('NOT_LEADER', 'No JobManager is known to lead at present.', details)
  }
  const answers = cause === undefined ? '' : ' and does not answer'
  return protocolError(
    'NOT_LEADER',
    `This JobManager does not lead; '${leader.holderId}' does, at http://${leader.restAddress}${answers}.`,
    details,
  )
}
