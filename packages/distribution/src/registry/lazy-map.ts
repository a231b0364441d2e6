/** A map whose values are made when they are first asked for; its keys are known from the start. */
export class LazyMap<V> implements ReadonlyMap<string, V> {
  readonly #makers: ReadonlyMap<string, () => V>
  readonly #made = new Map<string, V>()

  constructor(makers: Readonly<Record<string, () => V>>) {
    this.#makers = new Map(Object.entries(makers))
  }

  get size(): number {
    return this.#makers.size
  }

  get(key: string): V | undefined {
    const make = this.#makers.get(key)
    if (make === undefined) return undefined
    let value = this.#made.get(key)
    if (value === undefined) {
      value = make()
      this.#made.set(key, value)
    }
    return value
  }

  has(key: string): boolean {
    return this.#makers.has(key)
  }

  keys(): MapIterator<string> {
    return this.#makers.keys()
  }

  values(): MapIterator<V> {
    return this.#all().values()
  }

  entries(): MapIterator<[string, V]> {
    return this.#all().entries()
  }

  [Symbol.iterator](): MapIterator<[string, V]> {
    return this.entries()
  }

  forEach(action: (value: V, key: string, map: ReadonlyMap<string, V>) => void): void {
    for (const [key, value] of this.entries()) action(value, key, this)
  }

  /** In the order of the makers; makes what is missing. */
  #all(): Map<string, V> {
    return new Map([...this.keys()].map((key) => [key, this.get(key) as V]))
  }
}
