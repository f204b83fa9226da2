import type { TranscriptItem } from './item.ts';

/** Of one text; a tool may have put out megabytes. */
const SEARCHED = 500_000;

/** Keys of the items that have the words, in their order. Case does not matter. */
export function findItems(
  keys: readonly string[],
  find: (key: string) => TranscriptItem | undefined,
  words: string,
): string[] {
  if (words.trim() === '') return [];
  const pattern = new RegExp(words.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'), 'i');
  return keys.filter((key) => {
    const item = find(key);
    return item !== undefined && textsOf(item).some((text) => pattern.test(text.slice(0, SEARCHED)));
  });
}

/** What of an item can be read. */
export function textsOf(item: TranscriptItem): string[] {
  switch (item.kind) {
    case 'prompt':
    case 'text':
    case 'thinking':
      return [item.text];
    case 'tool':
      return [
        item.call.name,
        item.call.inputText,
        ...stringsOf(item.call.input),
        ...stringsOf(item.call.output),
      ];
    case 'approval':
      return [item.approval.tool_name, ...stringsOf(item.approval.input), ...stringsOf(item.approval.answer)];
    case 'turn_end':
      return item.error === null ? [] : [item.error.code, item.error.message];
    case 'notice':
      return Object.values(item.notice.values).map(String);
    default:
      return item satisfies never;
  }
}

const DEPTH = 6;

/** The strings within a value, of images none. */
function stringsOf(value: unknown, depth = 0): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null || depth > DEPTH) return [];
  if ('type' in value && value.type === 'base64') return [];
  return Object.values(value).flatMap((inner) => stringsOf(inner, depth + 1));
}
