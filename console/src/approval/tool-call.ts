import type { Approval } from '@greenroom/client';

/** What a call would do, where its tool is known and its input is what such tools take. All of it is hostile. */
export type ShownCall =
  | { kind: 'command'; command: string }
  | { kind: 'edit'; path: string; before: string; after: string; isEverywhere: boolean }
  | { kind: 'write'; path: string; content: string }
  | { kind: 'read'; path: string }
  | { kind: 'fetch'; url: string }
  | { kind: 'mcp'; server: string; tool: string }
  | { kind: 'other' };

/** `rest` is the input that the first part does not show: nothing of a call is left out. */
export type ToolCall = {
  call: ShownCall;
  /** What is said about the call, most of it by the model. */
  says: readonly string[];
  rest: Readonly<Record<string, unknown>>;
};

type Asked = Pick<Approval, 'tool_name' | 'input' | 'description'>;
type Input = Readonly<Record<string, unknown>>;

export function readToolCall({ tool_name: tool, input, description }: Asked): ToolCall {
  const [call, shown] = readCall(tool, input);
  const isSaid = tool === 'Bash' && typeof input.description === 'string';
  const hidden = isSaid ? [...shown, 'description'] : shown;
  const rest = Object.fromEntries(Object.entries(input).filter(([name]) => !hidden.includes(name)));
  const words = [isSaid ? String(input.description) : '', description ?? ''];
  const says = [...new Set(words)].filter((text) => text.trim() !== '' && !isShown(text, input, shown));
  return { call, says, rest };
}

/** The call, and the names of the fields that it shows. */
function readCall(tool: string, input: Input): [ShownCall, string[]] {
  const path = input.file_path;
  if (tool === 'Bash' && isText(input.command))
    return [{ kind: 'command', command: input.command }, ['command']];
  if (tool === 'Edit' && isText(path) && isText(input.old_string) && isText(input.new_string)) {
    const { old_string: before, new_string: after } = input;
    const isEverywhere = input.replace_all === true;
    const shown = [
      'file_path',
      'old_string',
      'new_string',
      ...(isFlag(input.replace_all) ? ['replace_all'] : []),
    ];
    return [{ kind: 'edit', path, before, after, isEverywhere }, shown];
  }
  if (tool === 'Write' && isText(path) && isText(input.content)) {
    return [{ kind: 'write', path, content: input.content }, ['file_path', 'content']];
  }
  if (tool === 'Read' && isText(path)) return [{ kind: 'read', path }, ['file_path']];
  if (tool === 'WebFetch' && isText(input.url)) return [{ kind: 'fetch', url: input.url }, ['url']];
  return [readMcpName(tool) ?? { kind: 'other' }, []];
}

/** The program says of some calls what one sees anyway: a path, an address. */
function isShown(text: string, input: Input, fields: readonly string[]): boolean {
  return fields.some((name) => typeof input[name] === 'string' && input[name].endsWith(text));
}

function readMcpName(tool: string): ShownCall | null {
  const match = /^mcp__(.+?)__(.+)$/s.exec(tool);
  return match === null ? null : { kind: 'mcp', server: match[1] ?? '', tool: match[2] ?? '' };
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isFlag(value: unknown): boolean {
  return typeof value === 'boolean';
}

export type UrlParts = {
  before: string;
  host: string;
  after: string;
  /** Where it really goes, when that is not what stands in it: other alphabets, odd slashes, a password before the host. */
  goesTo: string | null;
};

/** The parts of an address as they are written; null when it is none. */
export function splitUrl(url: string): UrlParts | null {
  const match = /^([a-z][a-z\d+.-]*:\/\/(?:[^/?#\\]*@)?)([^/?#\\@]*)(.*)$/is.exec(url);
  if (match === null || !URL.canParse(url)) return null;
  const [, before = '', host = '', after = ''] = match;
  const real = new URL(url).host;
  const isPlain = real === host && !before.includes('@');
  return { before, host, after, goesTo: isPlain ? null : real };
}
