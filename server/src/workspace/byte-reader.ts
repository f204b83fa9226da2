/** Reads a stream of bytes by length and by separator, as binary protocols need it. */
export class ByteReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  readonly #ended: Promise<void>;

  /** @param ended rejects with the reason why the stream may end early */
  constructor(stream: AsyncIterable<Buffer>, ended: Promise<void>) {
    this.#chunks = stream[Symbol.asyncIterator]();
    this.#ended = ended;
  }

  /** Up to the separator, without it. Throws when the stream ends before. */
  async until(separator: number): Promise<Buffer> {
    let searched = 0;
    while (true) {
      const end = this.#rest.indexOf(separator, searched);
      if (end >= 0) {
        const found = this.#rest.subarray(0, end);
        this.#rest = this.#rest.subarray(end + 1);
        return found;
      }
      searched = this.#rest.length;
      this.#rest = Buffer.concat([this.#rest, await this.#next()]);
    }
  }

  async exactly(length: number): Promise<Buffer> {
    const parts = [this.#rest];
    let size = this.#rest.length;
    while (size < length) {
      const chunk = await this.#next();
      parts.push(chunk);
      size += chunk.length;
    }
    const all = parts.length === 1 ? this.#rest : Buffer.concat(parts);
    this.#rest = all.subarray(length);
    return all.subarray(0, length);
  }

  async #next(): Promise<Buffer> {
    const { value, done } = await this.#chunks.next();
    if (!done) return value;
    await this.#ended;
    throw new Error('the stream ended early');
  }
}
