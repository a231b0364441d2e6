/**
 * Gives the memory of an array back now, not when garbage is collected: V8 lets tens of megabytes
 * of it wait in each slot. Afterwards it, and whatever shares its buffer, is empty.
 */
export function giveBack(array: ArrayBufferView): void {
  ;(array.buffer as ArrayBuffer).transfer(0)
}
