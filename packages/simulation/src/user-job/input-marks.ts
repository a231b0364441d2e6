/** What a user writes as input: rows, with failures among them. */

/**
 * An object of its own kind rather than a symbol: arrays of rows and marks need no type annotation.
 */
export interface InputMark {
  readonly mark: 'ABORT' | 'EOF'
}

/**
 * What stands before it has been delivered; then a TaskManager is killed while the job is in
 * the middle of it.
 */
export const ABORT: InputMark = Object.freeze({ mark: 'ABORT' })
/** The end of a partition's input: nothing may follow. */
export const EOF: InputMark = Object.freeze({ mark: 'EOF' })

/** By column, or the text of the record as it is. */
export type UserRow = string | Readonly<Record<string, unknown>>
export type InputItem = UserRow | InputMark

/** The items of one partition (or file), or an array of such arrays. */
export type TableInput = readonly InputItem[] | readonly (readonly InputItem[])[]

/** By table, topic or directory. */
export type UserInputs = Readonly<Record<string, TableInput>>
