import { JsonProblem, JsonScanner, type JsonVisitor } from './json-scanner.ts';

/** A tool that the model API runs itself, as the body has it. */
export type ServerTool = { type: string; definition: unknown };

/** What the gateway must know of a model request's body. */
export type RequestOutline = {
  /** Undefined when the body names none, or not by a string. */
  model: string | undefined;
  /** Undefined when it says nothing, or no number. */
  maxTokens: number | undefined;
  /** The most that it says so for a fallback or an advisor; 0 when it does not. */
  otherMaxTokens: number;
  isStream: boolean;
  /** Names of fields of the body, each once. */
  fields: ReadonlySet<string>;
  /** Models that it names beside its own, of fallbacks and advisors; `default` where the model API chooses. */
  otherModels: readonly string[];
  serverTools: readonly ServerTool[];
  /** What the model API is to fetch: kinds of sources and blocks whose content is not in the body. */
  references: ReadonlySet<string>;
  /** Parts that come to more tokens than bytes: pictures, and tools that the model API describes to the model. */
  denseParts: number;
  /** Text is packed in it: a PDF. */
  hasPackedText: boolean;
  /** It asks for a speed that costs more. */
  isFast: boolean;
  /** The model API is to sum up the conversation by a request of its own. */
  isCompacting: boolean;
};

const LETTER_C = 0x63;
const MAX_FIELDS = 100;
const MAX_NAMES = 32;
const MAX_NAME_BYTES = 200;
const MAX_DEFINITION_BYTES = 16 * 1024;
export const MAX_TOKENS = 10_000_000;

/** What an agent or its caller made, of any shape: no part of the request's own structure. */
const opaqueKeys = new Set(['input', 'input_schema', 'input_examples', 'schema']);
/** Tools that the agent runs. All others the model API runs, also those that are not known yet. */
const clientTool = /^(custom|(bash|text_editor|computer|memory)_\d+|(computer|browser)_toolset_\d+)$/;
/** Names of fields that mean something below the body. */
const watchedKeys = [
  ...opaqueKeys,
  'type',
  'source',
  'definition',
  'model',
  'speed',
  'media_type',
  'max_tokens',
];
const inlineSources = new Set(['base64', 'text', 'content']);

type Role = 'body' | 'tools' | 'tool' | 'source' | 'messages' | 'other';

/** An object or array of the body that is open. `inMessages`: names in it are of the past. */
type Frame = {
  role: Role;
  isArray: boolean;
  inMessages: boolean;
  key: string;
  start: number;
  /** Of a tool. */
  keys: Set<string> | null;
  toolType: string;
};

/** Reads the outline of a request while its body arrives. */
export class OutlineReader implements JsonVisitor {
  readonly #bytes: Buffer;
  readonly #scanner: JsonScanner;
  readonly #frames: Frame[] = [];
  /** Levels below the opaque value that is being passed over, itself included. */
  #opaqueDepth = 0;
  readonly #fields = new Set<string>();
  #model: string | undefined;
  #maxTokens: number | undefined;
  #otherMaxTokens = 0;
  #isStream = false;
  readonly #otherModels: string[] = [];
  readonly #serverTools: { type: string; start: number; end: number }[] = [];
  readonly #references = new Set<string>();
  #denseParts = 0;
  #hasPackedText = false;
  #isFast = false;
  #isCompacting = false;

  /** `bytes` has room for the whole body, which comes into it piece by piece. */
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#scanner = new JsonScanner(bytes, this);
  }

  /** So many bytes have arrived. @throws JsonProblem */
  advance(length: number): void {
    this.#scanner.advance(length);
  }

  /** @throws JsonProblem */
  end(): RequestOutline {
    this.#scanner.end();
    return {
      model: this.#model,
      maxTokens: this.#maxTokens,
      otherMaxTokens: this.#otherMaxTokens,
      isStream: this.#isStream,
      fields: this.#fields,
      otherModels: this.#otherModels,
      serverTools: this.#serverTools.map((tool) => this.#readDefinition(tool)),
      references: this.#references,
      denseParts: this.#denseParts,
      hasPackedText: this.#hasPackedText,
      isFast: this.#isFast,
      isCompacting: this.#isCompacting,
    };
  }

  open(isArray: boolean, at: number): void {
    const parent = this.#frames.at(-1);
    if (this.#opaqueDepth > 0 || (parent !== undefined && opaqueKeys.has(parent.key))) {
      this.#opaqueDepth += 1;
      return;
    }
    if (parent === undefined && isArray) throw noObject();
    const role = roleIn(parent, isArray);
    this.#frames.push({
      role,
      isArray,
      inMessages: parent?.inMessages === true || role === 'messages',
      key: '',
      start: at,
      keys: role === 'tool' ? new Set() : null,
      toolType: 'custom',
    });
  }

  close(end: number): void {
    if (this.#opaqueDepth > 0) {
      this.#opaqueDepth -= 1;
      return;
    }
    const frame = this.#frames.pop();
    if (frame?.role === 'tool') this.#endTool(frame, end);
  }

  key(start: number, end: number, isEscaped: boolean): void {
    if (this.#opaqueDepth > 0) return;
    const frame = this.#frames.at(-1) as Frame;
    const isWhole = isEscaped || frame.role === 'body' || frame.keys !== null;
    frame.key = isWhole ? this.#text(start, end, isEscaped) : this.#watchedKey(start, end);
    if (frame.role === 'body') this.#noteField(frame.key);
    if (frame.keys !== null) this.#noteToolKey(frame.keys, frame.key);
  }

  string(start: number, end: number, isEscaped: boolean): void {
    const frame = this.#frames.at(-1);
    if (frame === undefined) throw noObject();
    if (this.#opaqueDepth > 0 || frame.isArray) return;
    switch (frame.key) {
      case 'type':
        if (this.#isTelling(frame, start, isEscaped))
          this.#noteType(frame, this.#text(start, end, isEscaped));
        break;
      case 'model':
        // A tool is one wherever it is defined, in a message too.
        if (!frame.inMessages || frame.role === 'tool')
          this.#noteModel(frame.role, this.#text(start, end, isEscaped));
        break;
      case 'fallbacks':
        if (frame.role === 'body') this.#noteModel('other', this.#text(start, end, isEscaped));
        break;
      case 'speed':
        if (!frame.inMessages && this.#text(start, end, isEscaped) !== 'standard') this.#isFast = true;
        break;
      case 'media_type':
        if (frame.role === 'source') this.#noteMediaType(this.#text(start, end, isEscaped));
    }
  }

  scalar(start: number, end: number): void {
    const frame = this.#frames.at(-1);
    if (frame === undefined) throw noObject();
    if (this.#opaqueDepth > 0 || (frame.key !== 'max_tokens' && frame.key !== 'stream')) return;
    const text = this.#bytes.toString('latin1', start, end);
    if (frame.role !== 'body') this.#noteOtherMaxTokens(frame, Number(text));
    else if (frame.key === 'max_tokens') this.#maxTokens = Number(text);
    else this.#isStream = text === 'true';
  }

  #noteOtherMaxTokens({ key }: Frame, tokens: number): void {
    if (key === 'max_tokens' && tokens > this.#otherMaxTokens)
      this.#otherMaxTokens = Math.min(tokens, MAX_TOKENS);
  }

  #noteField(name: string): void {
    if (this.#fields.has(name)) throw new JsonProblem(`the body has the field ${JSON.stringify(name)} twice`);
    if (this.#fields.size === MAX_FIELDS)
      throw new JsonProblem(`the body has more than ${MAX_FIELDS} fields`);
    this.#fields.add(name);
  }

  #noteToolKey(keys: Set<string>, name: string): void {
    if (keys.has(name))
      throw new JsonProblem(`a tool of the body has the field ${JSON.stringify(name)} twice`);
    if (keys.size === MAX_FIELDS)
      throw new JsonProblem(`a tool of the body has more than ${MAX_FIELDS} fields`);
    keys.add(name);
  }

  /** Most types need not be read: what is looked for outside of tools and sources begins with a c. */
  #isTelling({ role }: Frame, start: number, isEscaped: boolean): boolean {
    return role === 'tool' || role === 'source' || isEscaped || this.#bytes[start] === LETTER_C;
  }

  #noteType(frame: Frame, type: string): void {
    if (frame.role === 'tool') frame.toolType = type;
    else if (frame.role === 'source') this.#noteSource(type);
    else if (type === 'container_upload') this.#noteReference(type);
    else if (!frame.inMessages && type.startsWith('compact_')) this.#isCompacting = true;
  }

  #noteSource(type: string): void {
    if (type === 'base64') this.#denseParts += 1;
    if (!inlineSources.has(type)) this.#noteReference(`source of type ${type}`);
  }

  /** One is enough to know, and an agent may name millions. */
  #noteReference(name: string): void {
    if (this.#references.size < MAX_NAMES) this.#references.add(name);
  }

  #noteMediaType(mediaType: string): void {
    if (!/^(image\/|text\/plain$)/.test(mediaType)) this.#hasPackedText = true;
  }

  #noteModel(role: Role, name: string): void {
    if (role === 'body') {
      this.#model = name;
      return;
    }
    if (this.#otherModels.length === MAX_NAMES) throw new JsonProblem('the body names too many models');
    this.#otherModels.push(name);
  }

  #endTool({ toolType: type, start }: Frame, end: number): void {
    if (type === 'custom') return;
    if (clientTool.test(type)) {
      this.#denseParts += 1;
      return;
    }
    if (this.#serverTools.length === MAX_NAMES) throw new JsonProblem('the body has too many server tools');
    this.#serverTools.push({ type, start, end });
  }

  #readDefinition({ type, start, end }: { type: string; start: number; end: number }): ServerTool {
    if (end - start > MAX_DEFINITION_BYTES) throw new JsonProblem(`the tool ${type} is larger than 16 KB`);
    return { type, definition: JSON.parse(this.#bytes.toString('utf8', start, end)) };
  }

  /** Most keys need not be read. @returns '' for those */
  #watchedKey(start: number, end: number): string {
    const bytes = this.#bytes;
    next: for (const key of watchedKeys) {
      if (key.length !== end - start) continue;
      for (let index = 0; index < key.length; index++) {
        if (bytes[start + index] !== key.charCodeAt(index)) continue next;
      }
      return key;
    }
    return '';
  }

  /** Names that matter are short: what is cut off makes no other name of them. */
  #text(start: number, end: number, isEscaped: boolean): string {
    if (!isEscaped) return this.#bytes.toString('utf8', start, Math.min(end, start + MAX_NAME_BYTES + 1));
    if (end - start > MAX_NAME_BYTES * 6) throw new JsonProblem('the body has a name that is too long');
    return JSON.parse(this.#bytes.toString('utf8', start - 1, end + 1)) as string;
  }
}

function noObject(): JsonProblem {
  return new JsonProblem('the body is no JSON object');
}

function roleIn(parent: Frame | undefined, isArray: boolean): Role {
  if (parent === undefined) return 'body';
  if (!isArray && (parent.role === 'tools' || parent.key === 'definition')) return 'tool';
  if (!isArray && parent.key === 'source') return 'source';
  if (parent.role !== 'body') return 'other';
  if (isArray && parent.key === 'tools') return 'tools';
  return parent.key === 'messages' ? 'messages' : 'other';
}
