import type { TranscriptItem } from '../log/item.ts';

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
    return item !== undefined && textsOf(item).some((text) => pattern.test(text));
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

/** The strings within a value, of images none. It may be nested deeper than functions call each other. */
function stringsOf(value: unknown): string[] {
  const strings: string[] = [];
  const left: unknown[] = [value];
  while (left.length > 0) {
    const part = left.pop();
    if (typeof part === 'string') strings.push(part);
    if (typeof part !== 'object' || part === null) continue;
    if ('type' in part && part.type === 'base64') continue;
    for (const inner of Object.values(part)) left.push(inner);
  }
  return strings;
}
