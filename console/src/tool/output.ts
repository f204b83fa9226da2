import type { ToolCall } from '../log/item.ts';
import { fieldsOf, textOf } from '../util/shapes.ts';

/** What a tool gave the model, as parts that can be shown. */
export type OutputPart =
  | { kind: 'text'; text: string }
  | { kind: 'image'; base64: string; mediaType: string }
  | { kind: 'json'; value: unknown };

export function outputParts(output: ToolCall['output']): OutputPart[] {
  if (output === null) return [];
  if (typeof output === 'string') return output === '' ? [] : [{ kind: 'text', text: output }];
  return output.map(toPart);
}

/** All of its text. */
export function outputText(output: ToolCall['output']): string {
  return outputParts(output)
    .flatMap((part) => (part.kind === 'text' ? [part.text] : []))
    .join('\n');
}

/** Blocks of the model API (`source`), and of MCP (`data`). */
function toPart(block: unknown): OutputPart {
  const fields = fieldsOf(block);
  if (fields.type === 'text' && typeof fields.text === 'string') return { kind: 'text', text: fields.text };
  if (fields.type !== 'image') return { kind: 'json', value: block };
  const source = fieldsOf(fields.source);
  const base64 = textOf(source.data) || textOf(fields.data);
  return { kind: 'image', base64, mediaType: textOf(source.media_type) || textOf(fields.mimeType) };
}

/** Of text that is JSON: most MCP servers answer so. */
export function parsedJson(text: string): unknown {
  if (!/^\s*[[{]/.test(text) || text.length > 1_000_000) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
