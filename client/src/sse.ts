/** A message of an event stream. `id` is the last one that the stream named, in this message or before it. */
export type ServerSentEvent = { type: string; data: string; id: string };

/**
 * Reads `text/event-stream` (https://html.spec.whatwg.org/multipage/server-sent-events.html) from chunks that may be
 * cut anywhere: within a line, a character, or a CRLF.
 */
export class EventStreamParser {
  readonly #decoder = new TextDecoder();
  #line = '';
  #endedWithReturn = false;
  #type = '';
  #data: string[] = [];
  #id = '';
  #retryMs: number | null = null;

  /** How long to wait before connecting again, if the stream has said so. */
  get retryMs(): number | null {
    return this.#retryMs;
  }

  /** @returns the messages that this chunk completes */
  push(chunk: Uint8Array): ServerSentEvent[] {
    let text = this.#decoder.decode(chunk, { stream: true });
    if (text === '') return [];
    // A line ends at its CR; the LF that may follow ends no other.
    if (this.#endedWithReturn && text.startsWith('\n')) text = text.slice(1);
    this.#endedWithReturn = text.endsWith('\r');
    const [first = '', ...rest] = text.split(/\r\n|\r|\n/);
    const lines = [this.#line + first, ...rest];
    this.#line = lines.pop() ?? '';
    return lines.flatMap((line) => this.#readLine(line));
  }

  #readLine(line: string): ServerSentEvent[] {
    if (line === '') return this.#endMessage();
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#type = value;
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
    else if (field === 'retry' && /^\d+$/.test(value)) this.#retryMs = Number(value);
    return [];
  }

  #endMessage(): ServerSentEvent[] {
    const message = { type: this.#type || 'message', data: this.#data.join('\n'), id: this.#id };
    const isEmpty = this.#data.length === 0;
    this.#type = '';
    this.#data = [];
    return isEmpty ? [] : [message];
  }
}
