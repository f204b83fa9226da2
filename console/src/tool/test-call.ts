import type { ToolCall } from '../log/item.ts';

/** A call that ended well, with what a test says of it. */
export function testCall(fields: Partial<ToolCall>): ToolCall {
  return {
    id: 'toolu_1',
    name: 'Bash',
    state: 'done',
    input: {},
    inputText: '',
    output: '',
    details: null,
    startedAt: 0,
    endedAt: 1_000,
    parentId: null,
    ...fields,
  };
}

/** What an agent could send instead of the shape that is expected. */
export const oddValues: readonly unknown[] = [
  null,
  undefined,
  '',
  'text',
  0,
  Number.NaN,
  true,
  [],
  [null, 1, 'x', [], {}],
  {},
  { length: 3 },
  { toString: null },
];
