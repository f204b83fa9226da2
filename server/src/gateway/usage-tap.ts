import { z } from 'zod';
import { modelName } from './model-request.ts';
import { noTokens, type Tokens } from './price-list.ts';

const count = z.number().min(0).max(1e12).transform(Math.round).nullish();

/** What the Messages API says of a request's usage; in a stream it comes in two parts. */
const usageFields = z.looseObject({
  input_tokens: count,
  output_tokens: count,
  cache_read_input_tokens: count,
  cache_creation_input_tokens: count,
  cache_creation: z
    .looseObject({ ephemeral_5m_input_tokens: count, ephemeral_1h_input_tokens: count })
    .nullish(),
  server_tool_use: z.looseObject({ web_search_requests: count }).nullish(),
});
type UsageFields = z.infer<typeof usageFields>;

const message = z.looseObject({ model: modelName, usage: usageFields });
const streamEvent = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('message_start'), message }),
  z.looseObject({ type: z.literal('message_delta'), usage: usageFields.nullish() }),
  z.looseObject({
    type: z.literal('content_block_delta'),
    delta: z.looseObject({
      text: z.string().nullish(),
      thinking: z.string().nullish(),
      partial_json: z.string().nullish(),
    }),
  }),
]);

const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
const CHARACTERS_PER_TOKEN = 4;

/** What was seen of an answer, from its first byte to its last or to where it was cut off. */
export type SeenUsage = {
  /** Null when the answer did not say. */
  model: string | null;
  tokens: Tokens;
  /** The answer said all that it used. */
  isComplete: boolean;
};

/** Reads what an answer says of its usage, while its bytes go by untouched. */
export class UsageTap {
  readonly #isStream: boolean;
  readonly #tokens: Tokens = { ...noTokens };
  #text = '';
  #model: string | null = null;
  #writtenCharacters = 0;
  #isComplete = false;

  constructor(contentType: string | undefined) {
    this.#isStream = contentType?.startsWith('text/event-stream') ?? false;
  }

  /** @returns whether a stream has said all that it used */
  observe(chunk: Buffer): boolean {
    if (this.#text.length + chunk.length > MAX_ANSWER_BYTES) return false;
    // Numbers and names are ASCII; of other text only the length matters.
    this.#text += chunk.toString('latin1');
    if (!this.#isStream || !chunk.includes(10)) return this.#isComplete;
    const lines = this.#text.split('\n');
    this.#text = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('data:')) this.#readEvent(parseJson(line.slice(5)));
    return this.#isComplete;
  }

  /** What is known at the end of the answer. */
  end(): SeenUsage {
    if (!this.#isStream) this.#readMessage(parseJson(this.#text));
    const written = Math.ceil(this.#writtenCharacters / CHARACTERS_PER_TOKEN);
    const output = this.#isComplete ? this.#tokens.output : Math.max(this.#tokens.output, written);
    return { model: this.#model, tokens: { ...this.#tokens, output }, isComplete: this.#isComplete };
  }

  #readMessage(value: unknown): void {
    const parsed = message.safeParse(value);
    if (!parsed.success) return;
    this.#model = parsed.data.model;
    this.#read(parsed.data.usage);
    this.#isComplete = true;
  }

  #readEvent(value: unknown): void {
    const parsed = streamEvent.safeParse(value);
    if (!parsed.success) return;
    const event = parsed.data;
    if (event.type === 'message_start') {
      this.#model = event.message.model;
      this.#read(event.message.usage);
    } else if (event.type === 'content_block_delta') {
      const { text, thinking, partial_json } = event.delta;
      this.#writtenCharacters += (text ?? thinking ?? partial_json ?? '').length;
    } else if (event.usage) {
      this.#read(event.usage);
      this.#isComplete = true;
    }
  }

  /** Later figures replace earlier ones: those of a stream are totals. */
  #read(usage: UsageFields): void {
    const tokens = this.#tokens;
    tokens.input = usage.input_tokens ?? tokens.input;
    tokens.output = usage.output_tokens ?? tokens.output;
    tokens.cacheRead = usage.cache_read_input_tokens ?? tokens.cacheRead;
    tokens.webSearches = usage.server_tool_use?.web_search_requests ?? tokens.webSearches;
    const oneHour = usage.cache_creation?.ephemeral_1h_input_tokens;
    if (oneHour !== undefined && oneHour !== null) tokens.cacheWrite1h = oneHour;
    const { cache_creation_input_tokens: written } = usage;
    if (written !== undefined && written !== null) {
      tokens.cacheWrite5m = Math.max(0, written - tokens.cacheWrite1h);
    }
  }
}

/** Undefined for what is not JSON: a line of another protocol, or an answer that was cut off. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
