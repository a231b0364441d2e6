/**
 * What both kinds of data connection share: the handlers, frames that came too early, and exactly
 * one close.
 */
export class ConnectionEvents {
  #frameHandler: ((frame: Uint8Array) => void) | null = null
  readonly #closeHandlers: ((error: Error | null) => void)[] = []
  #closed = false
  #closeError: Error | null = null

  get closed(): boolean {
    return this.#closed
  }

  setFrameHandler(handler: (frame: Uint8Array) => void): void {
    this.#frameHandler = handler
  }

  frame(frame: Uint8Array): void {
    if (!this.#closed) this.#frameHandler?.(frame)
  }

  /** A handler given after the close is called at once. */
  addCloseHandler(handler: (error: Error | null) => void): void {
    if (this.#closed) handler(this.#closeError)
    else this.#closeHandlers.push(handler)
  }

  close(error: Error | null): void {
    if (this.#closed) return
    this.#closed = true
    this.#closeError = error
    for (const handler of this.#closeHandlers) handler(error)
  }
}
