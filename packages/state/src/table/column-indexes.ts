/** Lists of the first columns, made once: `hashRows` takes such a list a batch. */
const INDEXES: readonly number[][] = Array.from({ length: 33 }, (_, n) =>
  Array.from({ length: n }, (_, i) => i),
)

/** 0 … count - 1. */
export function indexesTo(count: number): readonly number[] {
  return INDEXES[count] ?? Array.from({ length: count }, (_, i) => i)
}
