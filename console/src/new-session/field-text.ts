import type { Control } from './fields.ts';

/*
 * Values of a request as they stand in a field, and back. A text that is no value (half a number, half of some JSON) stays
 * in its field with an error, and out of the request.
 */

export type Parsed = { value: unknown } | { error: 'number' | 'json' | 'pairs' };

export function toFieldText(value: unknown, { kind }: Control): string {
  if (value === undefined || value === null) return '';
  if (kind === 'lines' && Array.isArray(value)) return value.map(String).join('\n');
  if (kind === 'pairs' && isRecord(value)) {
    return Object.entries(value)
      .map(([name, text]) => `${name}=${String(text)}`)
      .join('\n');
  }
  return typeof value === 'string' && kind !== 'json' ? value : JSON.stringify(value, null, 2);
}

/** A blank text is no value: the default holds. */
export function parseFieldText(text: string, { kind }: Control): Parsed {
  if (text.trim() === '') return { value: undefined };
  switch (kind) {
    case 'number':
      return Number.isFinite(Number(text)) ? { value: Number(text) } : { error: 'number' };
    case 'lines':
      return { value: nonBlankLines(text) };
    case 'pairs':
      return parsePairs(nonBlankLines(text));
    case 'json':
      return parseJson(text);
    default:
      return { value: text };
  }
}

function nonBlankLines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

function parsePairs(lines: readonly string[]): Parsed {
  if (lines.some((line) => line.indexOf('=') < 1)) return { error: 'pairs' };
  const entries = lines.map((line) => {
    const at = line.indexOf('=');
    return [line.slice(0, at).trim(), line.slice(at + 1)] as const;
  });
  return { value: Object.fromEntries(entries) };
}

function parseJson(text: string): Parsed {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return { error: 'json' };
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
