/** A queue that one reader iterates over and anybody may push to; the iteration ends after `end()`. */
export class PushQueue<T> implements AsyncIterable<T> {
  #items: T[] = [];
  #ended = false;
  #wake = Promise.withResolvers<void>();

  push(item: T): void {
    this.#items.push(item);
    this.#wake.resolve();
  }

  end(): void {
    this.#ended = true;
    this.#wake.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void> {
    while (true) {
      this.#wake = Promise.withResolvers();
      while (this.#items.length > 0) yield this.#items.shift() as T;
      if (this.#ended) return;
      if (this.#items.length === 0) await this.#wake.promise;
    }
  }
}
