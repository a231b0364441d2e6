/**
 * Requests to a cluster whose leader has just been lost: asked again until another one leads.
 *
 * Only what certainly was not carried out is repeated: a refusal by a standby that had nobody to
 * send the request to, or any reading request.
 */
import { errorDataOf, type Fetch } from '@millrace/rest-api'

/** Longer than a lease and the takeover after it. */
const PATIENCE_MS = 20_000
const PAUSE_MS = 250

export interface PatienceClock {
  nowMs(): number
  pause(ms: number): Promise<void>
}

export function patientFetch(fetch: Fetch, clock: PatienceClock): Fetch {
  return async (url, init) => {
    const deadlineMs = clock.nowMs() + PATIENCE_MS
    for (;;) {
      const response = await fetch(url, init)
      if (response.status !== 503) return response
      const text = await response.text()
      const answer = { status: response.status, text: async () => text }
      if (!mayRepeat(init.method, text) || clock.nowMs() >= deadlineMs) return answer
      await clock.pause(PAUSE_MS)
    }
  }
}

function mayRepeat(method: string, text: string): boolean {
  try {
    const error = errorDataOf(JSON.parse(text))
    return error?.code === 'NOT_LEADER' && (method === 'GET' || error.cause === undefined)
  } catch {
    return false
  }
}

/** For every client of a cluster's REST interface. */
export const clusterFetch: Fetch = patientFetch(fetch, {
  nowMs: () => performance.now(),
  pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
})
