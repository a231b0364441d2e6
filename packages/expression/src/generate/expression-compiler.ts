/**
 * ExpressionCompiler: statements that compute expressions for row `i` of a batch, for embedding in
 * any generated loop.
 *
 * Used by `compileProjection` here and by the fused loops of `sql-operators`. The surrounding
 * function must have, under the names of `CompilerNames`, the batch's columns, its row count and
 * the evaluation context; the loop must define the row's index. Statements of one `compile` call
 * are valid where they were emitted (a block), and texts it returns only after them.
 */
import { encodeUtf8, type LogicalType, physicalTypeOf } from '@millrace/core'
import { bindCast } from '../cast/cast-value.ts'
import type {
  CallExpression,
  CaseExpression,
  CastExpression,
  ColumnExpression,
  Expression,
  LiteralExpression,
} from '../expression.ts'
import { functionOf } from '../functions/function-table.ts'
import { literalToValue, scalarOf } from '../interpreter/interpret.ts'
import { columnsUsed } from '../tree/walk-expression.ts'
import type { CodeBuilder } from './code-builder.ts'
import { anyNull, type CompiledValue, defaultText } from './compiled-value.ts'
import { type BoundColumn, type CompilerNames, DEFAULT_NAMES } from './compiler-names.ts'
import { DictionaryMemo, MEMO_NULL, MEMO_UNKNOWN, MEMO_VALUE } from './dictionary-memo.ts'
import { inlineCall, inlineCast } from './inline-calls.ts'
import { isMemoisable } from './memoisable.ts'
import { bytesEqualAt, nullsOf, stringAt, textsOf } from './row-access.ts'

export class ExpressionCompiler {
  readonly #code: CodeBuilder
  readonly #names: CompilerNames
  readonly #bound = new Map<number, BoundColumn>()
  /** Decoded texts of string columns. */
  readonly #texts = new Map<number, string>()
  #insideMemo = false

  constructor(code: CodeBuilder, names: CompilerNames = DEFAULT_NAMES) {
    this.#code = code
    this.#names = names
  }

  /** Emits what computes `expression` for the current row. */
  compile(expression: Expression): CompiledValue {
    switch (expression.kind) {
      case 'literal':
        return this.#literal(expression)
      case 'column':
        return this.#column(expression)
      case 'cast':
        return this.#memoised(expression) ?? this.#cast(expression)
      case 'case':
        return this.#memoised(expression) ?? this.#case(expression)
      case 'call':
        return this.#memoised(expression) ?? this.#call(expression)
    }
  }

  /** Emits what computes a BOOLEAN expression; returns the text of "it is TRUE". */
  compileFilter(expression: Expression): string {
    const { value, isNull } = this.compile(expression)
    return isNull === null ? value : `(!${isNull} && ${value})`
  }

  /** Binds a column's arrays in the prologue, once. */
  bindColumn(index: number, type: LogicalType): BoundColumn {
    let bound = this.#bound.get(index)
    if (bound !== undefined) return bound
    const name = this.#code.fresh('b')
    const { columns, rowCount } = this.#names
    bound = { column: name, values: `${name}v`, nulls: `${name}n`, codes: `${name}c` }
    this.#code.prologue(`const ${name} = ${columns}[${Number(index)}]`)
    if (physicalTypeOf(type) === 'str') this.#code.prologue(`const ${bound.codes} = ${name}.codes`)
    else this.#code.prologue(`const ${bound.values} = ${name}.values`)
    const nulls = this.#code.constant(nullsOf)
    this.#code.prologue(`const ${bound.nulls} = ${nulls}(${name}, ${rowCount})`)
    this.#bound.set(index, bound)
    return bound
  }

  #literal({ value, type }: LiteralExpression): CompiledValue {
    if (value === null) return { value: defaultText(type), isNull: 'true', type }
    if (typeof value === 'boolean') return { value: value ? 'true' : 'false', isNull: null, type }
    return { value: this.#code.constant(literalToValue(value, type)), isNull: null, type }
  }

  #column({ index, type }: ColumnExpression): CompiledValue {
    const bound = this.bindColumn(index, type)
    const { row } = this.#names
    const isNull = type.nullable ? this.#code.bind(`${bound.nulls}[${row}] === 1`) : null
    switch (physicalTypeOf(type)) {
      case 'bool':
        return { value: `(${bound.values}[${row}] === 1)`, isNull, type }
      case 'str':
        return { value: this.#text(index, bound, isNull), isNull, type }
      default:
        return { value: this.#code.bind(`${bound.values}[${row}]`), isNull, type }
    }
  }

  /**
   * Emits the decoding of a string column's row, through the dictionary's decoded entries where
   * there are some.
   */
  #text(index: number, bound: BoundColumn, isNull: string | null): string {
    const { row } = this.#names
    let texts = this.#texts.get(index)
    if (texts === undefined) {
      texts = `${bound.column}t`
      this.#texts.set(index, texts)
      this.#code.prologue(`const ${texts} = ${this.#code.constant(textsOf)}(${bound.column})`)
    }
    const name = this.#code.fresh()
    const decode = `${this.#code.constant(stringAt)}(${bound.column}, ${row})`
    const known = `(${bound.codes} === null ? undefined : ${texts}[${bound.codes}[${row}]])`
    const text = `${known} ?? ${decode}`
    this.#code.emit(`const ${name} = ${isNull === null ? text : `${isNull} ? '' : ${text}`}`)
    return name
  }

  #cast(expression: CastExpression): CompiledValue {
    const { type, safe } = expression
    const operand = this.compile(expression.operand)
    const inline = inlineCast(operand.type, type, operand.value)
    if (inline !== null) return { value: inline, isNull: operand.isNull, type }
    const cast = this.#code.constant(bindCast(operand.type, type, safe))
    return this.#guarded(
      type,
      operand.isNull,
      `${cast}(${this.#names.context}, ${operand.value})`,
      safe,
    )
  }

  /**
   * Emits a computation that runs only when no argument is NULL; `mayBeNull`: null is then a
   * result of its own.
   */
  #guarded(
    type: LogicalType,
    isNull: string | null,
    computation: string,
    mayBeNull: boolean,
  ): CompiledValue {
    const code = this.#code
    if (isNull === null && !mayBeNull) return { value: code.bind(computation), isNull: null, type }
    const value = code.fresh()
    code.emit(`let ${value} = ${defaultText(type)}`)
    if (!mayBeNull) {
      code.emit(`if (!${isNull}) ${value} = ${computation}`)
      return { value, isNull, type }
    }
    const result = code.fresh()
    const resultNull = code.fresh('n')
    code.emit(`let ${resultNull} = true`)
    const guard = isNull === null ? '' : `if (!${isNull}) `
    code.emit(`${guard}{ const ${result} = ${computation}`)
    code.emit(`if (${result} !== null) { ${value} = ${result}; ${resultNull} = false } }`)
    return { value, isNull: resultNull, type }
  }

  #call(call: CallExpression): CompiledValue {
    const { function: name, type } = call
    if (name === 'and' || name === 'or') return this.#logic(call)
    const direct = this.#columnNullTest(call) ?? this.#comparedBytes(call)
    if (direct !== null) return direct
    const args = call.args.map((arg) => this.compile(arg))
    const spec = functionOf(name)
    if (spec.nulls === 'never' && args.length === 1) {
      return this.#nullTest(name, args[0] as CompiledValue, type)
    }
    if (spec.nulls === 'handled' || spec.nulls === 'never') {
      const scalar = this.#code.constant(scalarOf(call))
      const texts = args.map(({ value, isNull }) =>
        isNull === null ? value : `(${isNull} ? null : ${value})`,
      )
      const mayBeNull = spec.nulls === 'handled' && args.some(({ isNull }) => isNull !== null)
      const computation = `${scalar}(${[this.#names.context, ...texts].join(', ')})`
      return this.#guarded(type, null, computation, mayBeNull)
    }
    const isNull = anyNull(args)
    const inline = inlineCall(this.#code, call, args)
    if (inline !== null) return { value: this.#code.bind(inline), isNull, type }
    const scalar = this.#code.constant(scalarOf(call))
    const texts = [this.#names.context, ...args.map(({ value }) => value)]
    const mayBeNull = spec.nulls === 'strict-nullable'
    return this.#guarded(type, isNull, `${scalar}(${texts.join(', ')})`, mayBeNull)
  }

  /** `column IS [NOT] NULL` without reading the value. */
  #columnNullTest({ function: name, args, type }: CallExpression): CompiledValue | null {
    const [column] = args
    if (column?.kind !== 'column' || (name !== 'is_null' && name !== 'is_not_null')) return null
    const { nulls } = this.bindColumn(column.index, column.type)
    const wanted = name === 'is_null' ? '===' : '!=='
    return {
      value: this.#code.bind(`${nulls}[${this.#names.row}] ${wanted} 1`),
      isNull: null,
      type,
    }
  }

  /** `column = 'text'` on the column's bytes. */
  #comparedBytes(call: CallExpression): CompiledValue | null {
    const { function: name, args, type } = call
    if (name !== 'equals' && name !== 'not_equals') return null
    const column = args.find(({ kind }) => kind === 'column') as ColumnExpression | undefined
    const literal = args.find(({ kind }) => kind === 'literal') as LiteralExpression | undefined
    if (column === undefined || literal === undefined) return null
    if (typeof literal.value !== 'string' || column.type.kind !== 'STRING') return null
    const bound = this.bindColumn(column.index, column.type)
    const { row } = this.#names
    const isNull = column.type.nullable ? this.#code.bind(`${bound.nulls}[${row}] === 1`) : null
    const bytes = this.#code.constant(encodeUtf8(literal.value))
    const equal = `${this.#code.constant(bytesEqualAt)}(${bound.column}, ${row}, ${bytes})`
    return this.#guarded(type, isNull, name === 'equals' ? equal : `!${equal}`, false)
  }

  #nullTest(name: string, arg: CompiledValue, type: LogicalType): CompiledValue {
    const isNull = arg.isNull ?? 'false'
    const texts: Record<string, string> = {
      is_null: isNull,
      is_unknown: isNull,
      is_not_null: `!${isNull}`,
      is_not_unknown: `!${isNull}`,
      is_true: `(!${isNull} && ${arg.value})`,
      is_not_true: `(${isNull} || !${arg.value})`,
      is_false: `(!${isNull} && !${arg.value})`,
      is_not_false: `(${isNull} || ${arg.value})`,
    }
    return { value: this.#code.bind(texts[name] as string), isNull: null, type }
  }

  /** AND and OR, left to right, stopping at the first deciding operand. */
  #logic({ function: name, args, type }: CallExpression): CompiledValue {
    const code = this.#code
    const isAnd = name === 'and'
    const open = code.fresh()
    const sawNull = code.fresh('n')
    code.emit(`let ${open} = true, ${sawNull} = false`)
    let nullable = false
    let blocks = 0
    for (const [position, arg] of args.entries()) {
      if (position > 0) {
        code.emit(`if (${open}) {`)
        blocks++
      }
      const { value, isNull } = this.compile(arg)
      const decides = `if (${isAnd ? `!${value}` : value}) ${open} = false`
      if (isNull === null) code.emit(decides)
      else {
        nullable = true
        code.emit(`if (${isNull}) ${sawNull} = true; else ${decides}`)
      }
    }
    code.emit('}'.repeat(blocks))
    const undecidedValue = isAnd ? `(${open} && !${sawNull})` : `!${open}`
    return {
      value: code.bind(undecidedValue),
      isNull: nullable ? code.bind(`${open} && ${sawNull}`) : null,
      type,
    }
  }

  #case({ branches, otherwise, type }: CaseExpression): CompiledValue {
    const code = this.#code
    const value = code.fresh()
    const isNull = code.fresh('n')
    code.emit(`let ${value} = ${defaultText(type)}, ${isNull} = false`)
    const assign = (result: CompiledValue) => {
      code.emit(`${value} = ${result.value}`)
      if (result.isNull !== null) code.emit(`${isNull} = ${result.isNull}`)
    }
    for (const { when, then } of branches) {
      const holds = this.compileFilter(when)
      code.emit(`if (${holds}) {`)
      assign(this.compile(then))
      code.emit('} else {')
    }
    assign(this.compile(otherwise))
    code.emit('}'.repeat(branches.length))
    return { value, isNull: type.nullable ? isNull : null, type }
  }

  /**
   * An expression over nothing but one string column: evaluated once per entry while the column
   * is a dictionary.
   */
  #memoised(expression: Expression): CompiledValue | null {
    if (this.#insideMemo || !isMemoisable(expression)) return null
    const code = this.#code
    const { row } = this.#names
    const [index] = columnsUsed(expression) as [number]
    const bound = this.bindColumn(index, { kind: 'STRING', nullable: true })
    const memo = new DictionaryMemo()
    const memoName = code.constant(memo)
    const usable = code.fresh()
    const known = code.fresh()
    const values = code.fresh()
    code.prologue(`const ${usable} = ${memoName}.prepare(${bound.column})`)
    code.prologue(`const ${known} = ${memoName}.known, ${values} = ${memoName}.values`)
    const slot = code.bind(
      `${usable} ? (${bound.nulls}[${row}] === 1 ? 0 : ${bound.codes}[${row}] + 1) : -1`,
    )
    const value = code.fresh()
    const isNull = code.fresh('n')
    const state = code.bind(`${slot} < 0 ? ${MEMO_UNKNOWN} : ${known}[${slot}]`)
    code.emit(`let ${value} = ${defaultText(expression.type)}, ${isNull} = false`)
    code.emit(`if (${state} === ${MEMO_VALUE}) ${value} = ${values}[${slot}]`)
    code.emit(`else if (${state} === ${MEMO_NULL}) ${isNull} = true`)
    code.emit('else {')
    this.#insideMemo = true
    const computed = this.compile(expression)
    this.#insideMemo = false
    code.emit(`${value} = ${computed.value}`)
    if (computed.isNull !== null) code.emit(`${isNull} = ${computed.isNull}`)
    code.emit(`if (${slot} >= 0) { ${values}[${slot}] = ${value}`)
    code.emit(`${known}[${slot}] = ${isNull} ? ${MEMO_NULL} : ${MEMO_VALUE} } }`)
    const nullable = computed.isNull === null ? null : isNull
    return { value, isNull: nullable, type: expression.type, memoSlot: slot }
  }
}
