import type { Transform } from 'node:stream';
import { createParser, type EventSourceParser } from 'eventsource-parser';
import type { Tokens } from '../../session/usage/tokens.ts';
import { decoderOf } from './answer-decoder.ts';
import {
  answerMessage,
  errorAnswer,
  streamEvent,
  type UsageFields,
  UsageFigures,
  writtenBytes,
} from './answer-usage.ts';

/** What the headers say of an answer's body, and what was asked for. */
export type AnswerForm = { contentType: string; contentEncoding: string; isStreamAsked: boolean };

/** What was seen of an answer, from its first byte to its last or to where it was cut off. */
export type SeenUsage = {
  /** Null when the answer did not say. */
  model: string | null;
  /** What the answer said. */
  tokens: Tokens;
  /** What it said of other models that were asked for it: advisors, and those before a fallback. */
  others: readonly { model: string; tokens: Tokens }[];
  /** `tokens` has all that was written: the answer said so after it was. */
  isOutputSaid: boolean;
  /** The stream has had its last event. */
  isStopped: boolean;
  isBegun: boolean;
  /** It says that there is no answer. */
  isRefusal: boolean;
  /** What the model wrote, as far as it was seen. */
  writtenBytes: number;
  /** How long a stream went on after its begin without anything written: the model may have, unseen. Milliseconds. */
  silentMs: number;
  /** Of the body, as it came. */
  bodyBytes: number;
  /** The body could be read. */
  isReadable: boolean;
};

/** Of a message, or of one event of a stream. */
const MAX_MESSAGE_LENGTH = 16 * 1024 * 1024;
const MAX_DECODED_BYTES = 256 * 1024 * 1024;
/** A stream that writes does not pause for so long. */
const SILENCE_MS = 1_000;

/** Reads what an answer says of its usage, while its bytes go by untouched. */
export class UsageTap {
  readonly #figures = new UsageFigures();
  readonly #onSaid: () => void;
  readonly #now: () => number;
  readonly #text = new TextDecoder();
  /** Null for an answer that is one message. */
  readonly #events: EventSourceParser | null;
  readonly #decoder: Transform | null;
  readonly #decoded: Promise<void>;
  #message = '';
  #model: string | null = null;
  #isBegun = false;
  #isError = false;
  #isReadable: boolean;
  /** It said what its output came to, and not only what it began with. */
  #saysOutput = false;
  #isStopped = false;
  #writtenBytes = 0;
  #bodyBytes = 0;
  #silentMs = 0;
  #heardAt = 0;

  /** `onSaid` is called once, when a stream has said all that it used. */
  constructor(form: AnswerForm, onSaid: () => void, now: () => number = () => performance.now()) {
    this.#onSaid = onSaid;
    this.#now = now;
    this.#events = isEventStream(form) ? this.#createParser() : null;
    const decoder = decoderOf(form.contentEncoding);
    this.#isReadable = decoder !== undefined;
    this.#decoder = decoder ?? null;
    this.#decoded = this.#decode();
  }

  observe(chunk: Buffer): void {
    this.#bodyBytes += chunk.length;
    if (!this.#isReadable) return;
    if (this.#decoder === null) this.#read(chunk);
    else this.#decoder.write(chunk);
  }

  /** What is known at the end of the answer. */
  async end(): Promise<SeenUsage> {
    this.#decoder?.end();
    await this.#decoded;
    if (this.#events === null) this.#readMessage(parseJson(this.#message));
    // An event that lacks only the empty line after it.
    else if (this.#isReadable) this.#events.feed('\n\n');
    return this.seen;
  }

  get seen(): SeenUsage {
    const { tokens, others } = this.#figures.byModel(this.#model ?? '');
    return {
      model: this.#model,
      tokens,
      others,
      // An API that counts nothing says 0.
      isOutputSaid: this.#saysOutput && (tokens.output > 0 || this.#writtenBytes === 0),
      isStopped: this.#isStopped,
      isBegun: this.#isBegun,
      isRefusal: this.#isError && !this.#isBegun,
      writtenBytes: this.#writtenBytes,
      silentMs: this.#silentMs + (this.#isBegun && !this.#isStopped ? this.#silence() : 0),
      bodyBytes: this.#bodyBytes,
      isReadable: this.#isReadable,
    };
  }

  async #decode(): Promise<void> {
    if (this.#decoder === null) return;
    let bytes = 0;
    try {
      for await (const chunk of this.#decoder as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (bytes > MAX_DECODED_BYTES) throw new Error('the answer is too large');
        this.#read(chunk);
      }
    } catch {
      this.#isReadable = false;
    }
  }

  #createParser(): EventSourceParser {
    return createParser({
      onEvent: ({ data }) => this.#readEvent(parseJson(data)),
      onError: ({ type }) => {
        if (type === 'max-buffer-size-exceeded') this.#isReadable = false;
      },
      maxBufferSize: MAX_MESSAGE_LENGTH,
    });
  }

  #read(chunk: Buffer): void {
    if (!this.#isReadable) return;
    const text = this.#text.decode(chunk, { stream: true });
    if (this.#events !== null) this.#events.feed(text);
    else if (this.#message.length + text.length > MAX_MESSAGE_LENGTH) this.#isReadable = false;
    else this.#message += text;
  }

  #readMessage(value: unknown): void {
    this.#isError = errorAnswer.safeParse(value).success;
    const parsed = answerMessage.safeParse(value);
    if (!parsed.success || this.#isError) return;
    this.#begin(parsed.data.model);
    for (const block of parsed.data.content) this.#writtenBytes += writtenBytes(block);
    this.#readUsage(parsed.data.usage);
    this.#isStopped = true;
  }

  #readEvent(value: unknown): void {
    const parsed = streamEvent.safeParse(value);
    if (!parsed.success) return;
    const event = parsed.data;
    switch (event.type) {
      case 'message_start':
        this.#begin(event.message.model);
        this.#figures.read(event.message.usage);
        break;
      case 'content_block_start':
        this.#write(writtenBytes(event.content_block));
        break;
      case 'content_block_delta':
        this.#write(writtenBytes(event.delta));
        break;
      case 'message_delta':
        this.#readUsage(event.usage);
        break;
      case 'message_stop':
        this.#stop();
        break;
      case 'error':
        this.#isError = true;
        break;
      default:
        event satisfies never;
    }
  }

  #readUsage(usage: UsageFields | undefined): void {
    this.#figures.read(usage);
    if (usage?.output_tokens !== undefined) this.#saysOutput = true;
  }

  #stop(): void {
    if (this.#isStopped) return;
    this.#silentMs += this.#silence();
    this.#isStopped = true;
    this.#onSaid();
  }

  #begin(model: string | null): void {
    this.#model = model;
    this.#isBegun = true;
    this.#heardAt = this.#now();
  }

  #write(bytes: number): void {
    if (bytes === 0) return;
    this.#writtenBytes += bytes;
    this.#silentMs += this.#silence();
    this.#heardAt = this.#now();
  }

  #silence(): number {
    const silentMs = this.#now() - this.#heardAt;
    return silentMs > SILENCE_MS ? silentMs : 0;
  }
}

function isEventStream({ contentType, isStreamAsked }: AnswerForm): boolean {
  const type = contentType.split(';')[0]?.trim().toLowerCase();
  return type === 'text/event-stream' || (isStreamAsked && type !== 'application/json');
}

/** Undefined for what is not JSON: a line of another protocol, or an answer that was cut off. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
