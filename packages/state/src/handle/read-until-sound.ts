/**
 * Reading again what looks damaged, since a bad cable or memory cell spoils a read, not the file.
 */

/** Of that many reads in a row, all must show damage. */
const READS_MAX = 3

/**
 * What `read` gives; what it throws once it has thrown an error that `isDamage` says is one
 * so many times.
 */
export async function readUntilSound<T>(
  read: () => Promise<T>,
  isDamage: (error: unknown) => boolean,
): Promise<T> {
  for (let reads = 1; ; reads++) {
    try {
      return await read()
    } catch (error) {
      if (reads === READS_MAX || !isDamage(error)) throw error
    }
  }
}
