/**
 * The error codes of expressions: those of planning (user) and those that a record's
 * values cause (data).
 */
import { defineErrors } from '@millrace/core'

export const { error: expressionError, declarations: EXPRESSION_ERRORS } = defineErrors({
  FUNCTION_UNKNOWN: {
    domain: 'user',
    retry: 'never',
    description: 'A function is called that does not exist.',
  },
  FUNCTION_ARGUMENTS: {
    domain: 'user',
    retry: 'never',
    description: 'A function or operator does not take arguments of these types.',
  },
  CAST_UNSUPPORTED: {
    domain: 'user',
    retry: 'never',
    description: 'There is no cast between two types.',
  },
  CAST_FAILED: {
    domain: 'data',
    retry: 'never',
    description: 'A value cannot be cast to a type, e.g. a text that is no number.',
  },
  DIVISION_BY_ZERO: {
    domain: 'data',
    retry: 'never',
    description: 'An INT, BIGINT or DECIMAL is divided by zero.',
  },
  TEXTS_TOO_LARGE: {
    domain: 'data',
    retry: 'never',
    description:
      'The texts that an expression makes of one batch of rows take too much memory; projections go on with half of the rows.',
  },
  NUMBER_OVERFLOW: {
    domain: 'data',
    retry: 'never',
    description: 'A DECIMAL result has more digits than its type holds.',
  },
  FUNCTION_VALUE_INVALID: {
    domain: 'data',
    retry: 'never',
    description:
      'A function got a value that it cannot work with, e.g. a broken regular expression.',
  },
})
