/** Something of which there is only so much. */
export class Slots {
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  /** @returns null when all are taken; else a slot, which is free again when it is disposed */
  tryTake(): Disposable | null {
    if (this.#free === 0) return null;
    this.#free--;
    return {
      [Symbol.dispose]: () => {
        this.#free++;
      },
    };
  }
}
