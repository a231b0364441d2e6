/**
 * Operator factories: how plain data out of a JobGraph becomes an operator.
 *
 * `taskmanager` finds a factory by the name that the JobGraph's `OperatorDescriptor` gives and
 * knows nothing of its configuration; the factory parses it, so that a stored configuration which
 * this version does not understand is refused by name before an operator acts on it. What a
 * configuration keeps as keyed state is known without running the operator.
 */
import { coreError } from '../error-codes.ts'
import type { Shape } from '../shape/shape.ts'
import type { StateTableSpec } from '../state/state-table-spec.ts'
import type { ChainedOperator, OperatorContext } from './operator.ts'

/** Of one kind of operator; C is its configuration. */
export interface OperatorParts<C> {
  /**
   * Throws OPERATOR_CONFIG_INVALID, naming the operator, unless `config` is a C: `configParser`.
   */
  parse(config: unknown, operatorName: string): C
  /** Every table of keyed state that an operator of this configuration makes; none: []. */
  states(config: C): readonly StateTableSpec[]
  /** One subtask's instance. */
  create(config: C, context: OperatorContext): ChainedOperator
}

/** The same with C hidden: what a registry holds. Both refuse a malformed configuration. */
export interface OperatorFactory {
  states(config: unknown, operatorName: string): readonly StateTableSpec[]
  create(config: unknown, context: OperatorContext): ChainedOperator
}

/** Factory name → factory; filled by `distribution`. */
export type OperatorRegistry = ReadonlyMap<string, OperatorFactory>

export function operatorFactory<C>(parts: OperatorParts<C>): OperatorFactory {
  return {
    states: (config, operatorName) => parts.states(parts.parse(config, operatorName)),
    create: (config, context) =>
      parts.create(parts.parse(config, context.subtask.operatorName), context),
  }
}

/** For operators, and for their coordinators in the JobManager. */
export function configParser<C>(shape: Shape<C>): OperatorParts<C>['parse'] {
  return (config, operatorName) => {
    const fault = shape.faultIn(config)
    if (fault === null) return config as C
    const { path, expected, found } = fault
    const place = path === '' ? 'the configuration' : `'${path.slice(1)}'`
    throw coreError(
      'OPERATOR_CONFIG_INVALID',
      `Submit the job again: ${place} of operator '${operatorName}' should be ${expected}; it is ${found}.`,
      {
        hint: 'Another version of Millrace planned it, or its stored graph was changed.',
        location: { operator: operatorName },
      },
    )
  }
}
