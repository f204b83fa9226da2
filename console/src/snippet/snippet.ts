/*
 * What the console does, as one would do it from a terminal or a program: the same request, ready to be pasted. Values come
 * from agents and strangers, and end up in a shell: they are quoted so that none can leave its quotes.
 */

export type ApiCall = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the API's address, with its query: `/sessions/…`. */
  path: string;
  /** Sent as JSON. */
  body?: unknown;
};

export type SnippetOptions = {
  /** Where the API is, without `/` at its end. */
  baseUrl: string;
  /** Whether requests must show a key; it is left to the reader to fill in. */
  needsKey: boolean;
};

/** For a POSIX shell. */
export function toCurl({ method, path, body }: ApiCall, { baseUrl, needsKey }: SnippetOptions): string {
  const parts = [
    `curl -sS ${method === 'GET' || (method === 'POST' && body !== undefined) ? '' : `-X ${method} `}${quoteForShell(baseUrl + path)}`,
    ...(needsKey ? ['-H "authorization: Bearer $GREENROOM_API_KEY"'] : []),
    ...(body === undefined
      ? []
      : ["-H 'content-type: application/json'", `-d ${quoteForShell(JSON.stringify(body, null, 2))}`]),
  ];
  return parts.join(' \\\n  ');
}

/** Nothing is special between single quotes; one of them ends them, is written by itself, and begins them again. */
export function quoteForShell(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** A call of the typed client, such as `client.execute`, with its arguments as they are written. */
export function toTypeScript(
  { call, args }: { call: string; args: readonly unknown[] },
  { baseUrl, needsKey }: SnippetOptions,
): string {
  const key = needsKey ? ', apiKey: process.env.GREENROOM_API_KEY' : '';
  return [
    "import { GreenroomClient } from '@greenroom/client';",
    '',
    `const client = new GreenroomClient({ baseUrl: ${JSON.stringify(baseUrl)}${key} });`,
    `const answer = await ${call}(${args.map((value) => toLiteral(value)).join(', ')});`,
    'console.log(answer);',
  ].join('\n');
}

const NAME = /^[A-Za-z_$][\w$]*$/;

/** As a person would write it: names without quotes where they need none. */
function toLiteral(value: unknown, indent = ''): string {
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    const short = `[${value.map((item) => toLiteral(item)).join(', ')}]`;
    if (!short.includes('\n') && short.length < 80) return short;
    return `[\n${value.map((item) => `${inner}${toLiteral(item, inner)},`).join('\n')}\n${indent}]`;
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value);
    if (entries.length === 0) return '{}';
    const lines = entries.map(([name, item]) => {
      const key = NAME.test(name) ? name : JSON.stringify(name);
      return `${inner}${key}: ${toLiteral(item, inner)},`;
    });
    return `{\n${lines.join('\n')}\n${indent}}`;
  }
  return JSON.stringify(value) ?? 'undefined';
}
