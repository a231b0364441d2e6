/**
 * What is to happen, by simulated time and, at the same time, in the order in which it was planned:
 * a binary heap.
 */
export interface PlannedEvent {
  readonly atMs: number
  readonly sequence: number
  /** Null once cancelled. */
  action: (() => void) | null
}

export class EventQueue {
  readonly #heap: PlannedEvent[] = []
  #sequence = 0

  add(atMs: number, action: () => void): PlannedEvent {
    const event: PlannedEvent = { atMs, sequence: this.#sequence++, action }
    const heap = this.#heap
    let index = heap.push(event) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (before(heap[parent] as PlannedEvent, event)) break
      heap[index] = heap[parent] as PlannedEvent
      index = parent
    }
    heap[index] = event
    return event
  }

  /** The next one that is not cancelled; it stays. */
  peek(): PlannedEvent | undefined {
    while (this.#heap.length > 0 && this.#heap[0]?.action === null) this.#remove()
    return this.#heap[0]
  }

  pop(): PlannedEvent | undefined {
    const next = this.peek()
    if (next !== undefined) this.#remove()
    return next
  }

  #remove(): void {
    const heap = this.#heap
    const last = heap.pop() as PlannedEvent
    if (heap.length === 0) return
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      if (
        child + 1 < heap.length &&
        before(heap[child + 1] as PlannedEvent, heap[child] as PlannedEvent)
      ) {
        child++
      }
      if (before(last, heap[child] as PlannedEvent)) break
      heap[index] = heap[child] as PlannedEvent
      index = child
    }
    heap[index] = last
  }
}

function before(a: PlannedEvent, b: PlannedEvent): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence)
}
