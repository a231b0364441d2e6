/**
 * Errors of formats and table options, shared by every connector.
 */
import { defineErrors } from '@millrace/core'

export const { error: connectorError, declarations: CONNECTOR_ERRORS } = defineErrors({
  FORMAT_RECORD_MALFORMED: {
    domain: 'data',
    retry: 'never',
    description:
      'A record does not parse, or a field of it does not fit its column’s type; the place is given.',
  },
  TABLE_OPTION_UNKNOWN: {
    domain: 'user',
    retry: 'never',
    description: 'A WITH clause has an option that neither the connector nor the format knows.',
  },
  TABLE_OPTION_MISSING: {
    domain: 'user',
    retry: 'never',
    description: 'A WITH clause lacks an option that the connector or the format requires.',
  },
  TABLE_OPTION_INVALID: {
    domain: 'user',
    retry: 'never',
    description: 'The value of an option in a WITH clause does not fit.',
  },
})
