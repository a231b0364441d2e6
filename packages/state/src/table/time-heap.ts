/**
 * TimeHeap: times in a binary heap, the earliest first. A time that is put in twice comes out
 * twice, one after the other.
 */
export class TimeHeap {
  readonly #times: number[] = []

  get size(): number {
    return this.#times.length
  }

  get first(): number {
    return this.#times[0] ?? Number.POSITIVE_INFINITY
  }

  add(timeMs: number): void {
    const times = this.#times
    let at = times.length
    times.push(timeMs)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if ((times[parent] as number) <= timeMs) break
      times[at] = times[parent] as number
      at = parent
    }
    times[at] = timeMs
  }

  removeFirst(): void {
    const times = this.#times
    const last = times.pop()
    if (last === undefined || times.length === 0) return
    let at = 0
    for (;;) {
      let child = at * 2 + 1
      if (child >= times.length) break
      if (child + 1 < times.length && (times[child + 1] as number) < (times[child] as number))
        child++
      if ((times[child] as number) >= last) break
      times[at] = times[child] as number
      at = child
    }
    times[at] = last
  }

  clear(): void {
    this.#times.length = 0
  }
}
