import type { ToolCall } from '../log/item.ts';
import { fieldsOf, textOf, textsOf } from '../util/shapes.ts';
import { outputText } from './output.ts';

export type Match = { path: string; line: number | null; text: string };

const LINE = /^(?<path>(?:[A-Za-z]:)?[^:\n]+?)[:-](?<line>\d+)[:-](?<text>.*)$/;

/** What Grep and Glob found: files, or lines of files. */
export function readMatches(call: ToolCall): Match[] {
  const details = fieldsOf(call.details);
  const content = textOf(details.content);
  if (content !== '') return content.replace(/\n$/, '').split('\n').map(toMatch);
  const files = textsOf(details.filenames);
  if (files.length > 0 || Array.isArray(details.filenames))
    return files.map((path) => ({ path, line: null, text: '' }));
  return outputText(call.output)
    .split('\n')
    .filter((line) => line !== '')
    .map(toMatch);
}

function toMatch(line: string): Match {
  const parts = line.length > 10_000 ? null : LINE.exec(line);
  if (parts?.groups === undefined) return { path: '', line: null, text: line };
  const { path = '', line: number, text = '' } = parts.groups;
  return { path, line: Number(number), text };
}
