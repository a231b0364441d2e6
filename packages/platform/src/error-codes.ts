/**
 * The errors of control-plane calls, data connections and threads, raised by every implementation
 * of the ports.
 *
 * The simulated platform raises the same codes, so that a caller handles a lost connection in one
 * way.
 */
import { defineErrors } from '@millrace/core'

export const { error: platformError, declarations: PLATFORM_ERRORS } = defineErrors({
  RPC_UNAVAILABLE: {
    domain: 'external',
    retry: 'backoff',
    description: 'A process could not be reached, or the connection to it was lost during a call.',
  },
  RPC_DEADLINE: {
    domain: 'external',
    retry: 'backoff',
    description: 'A process did not answer a call in time; it may still have carried it out.',
  },
  RPC_METHOD_UNKNOWN: {
    domain: 'internal',
    retry: 'never',
    description: 'The called process does not serve the method: the two run different versions.',
  },
  RPC_MESSAGE_TOO_LARGE: {
    domain: 'internal',
    retry: 'never',
    description: 'A request or an answer exceeds the limit for control-plane messages.',
  },
  ADDRESS_INVALID: {
    domain: 'user',
    retry: 'never',
    description: 'A network address is not written as host:port.',
  },
  ADDRESS_UNUSABLE: {
    domain: 'user',
    retry: 'never',
    description: 'The process cannot listen on its address: it is in use or not on this machine.',
  },
  DATA_CONNECTION_LOST: {
    domain: 'external',
    retry: 'backoff',
    description: 'A data-plane connection ended without the peer having closed it.',
  },
  DATA_CONNECTION_REFUSED: {
    domain: 'external',
    retry: 'backoff',
    description: 'A data-plane connection could not be opened.',
  },
  DATA_CONNECTION_CLOSED: {
    domain: 'internal',
    retry: 'never',
    description: 'A frame was sent over a data-plane connection that is closed.',
  },
  DATA_FRAME_TOO_LARGE: {
    domain: 'internal',
    retry: 'never',
    description:
      'A frame exceeds the limit of the data plane, or the peer does not speak its protocol.',
  },
  OBJECT_STORE_UNSUPPORTED: {
    domain: 'user',
    retry: 'never',
    description:
      'No object store is served at such a location: it is an absolute directory, or a bucket.',
  },
  OBJECT_STORE_UNAVAILABLE: {
    domain: 'external',
    retry: 'backoff',
    description:
      'An object could not be read or written. Whether a write took effect is unknown until the object is read again.',
  },
  THREAD_ENTRY_UNKNOWN: {
    domain: 'internal',
    retry: 'never',
    description: 'No thread entry is registered under the name.',
  },
})
