import { UnfitLineError } from './agent-line.ts';

const LINE_FEED = 0x0a;

/** Cuts bytes into lines, and keeps no more of an unfinished one than a line may have. */
export class LineReader {
  readonly #maxBytes: number;
  #unfinished: Buffer = Buffer.alloc(0);
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The lines that end in `chunk`, without their ends. Throws `UnfitLineError` for one that is too long. */
  *read(chunk: Buffer): Generator<Buffer, void> {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
      yield this.#finish(chunk.subarray(start, end));
      start = end + 1;
    }
    this.#keep(chunk.subarray(start));
  }

  /** What came after the last line end. */
  rest(): Buffer {
    return this.#finish(Buffer.alloc(0));
  }

  #finish(last: Buffer): Buffer {
    if (this.#length === 0) {
      this.#requireFit(last.length);
      return last;
    }
    this.#keep(last);
    const line = this.#unfinished.subarray(0, this.#length);
    this.#unfinished = Buffer.alloc(0);
    this.#length = 0;
    return line;
  }

  /** One buffer that doubles: a line that comes byte by byte costs no more memory than another. */
  #keep(part: Buffer): void {
    const length = this.#length + part.length;
    this.#requireFit(length);
    if (length > this.#unfinished.length) {
      const larger = Buffer.allocUnsafe(
        Math.max(length, Math.min(2 * this.#unfinished.length, this.#maxBytes)),
      );
      this.#unfinished.copy(larger, 0, 0, this.#length);
      this.#unfinished = larger;
    }
    part.copy(this.#unfinished, this.#length);
    this.#length = length;
  }

  #requireFit(length: number): void {
    if (length > this.#maxBytes) throw new UnfitLineError(`a line of more than ${this.#maxBytes} bytes`);
  }
}
