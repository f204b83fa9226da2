import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toMessage } from './comment-message.ts';
import type { LineComment } from './comments.ts';

const comment = (fields: Partial<LineComment>): LineComment => ({
  id: 'a',
  path: 'src/queue.ts',
  side: 'new',
  line: 3,
  lineText: 'retry();',
  text: 'Why again?',
  ...fields,
});

describe('the message of comments', () => {
  it('has all of them, by file and line, with the line that each is on', () => {
    const message = toMessage(
      [
        comment({ line: 12, text: 'Too long.\nSplit it.' }),
        comment({ line: 3 }),
        comment({ path: 'b.ts', side: 'old', lineText: '  gone  ' }),
      ],
      'Please see to these:',
    );
    assert.equal(
      message,
      [
        'Please see to these:',
        'File `src/queue.ts`',
        '- line 3: `retry();`\n  Why again?',
        '- line 12: `retry();`\n  Too long.\n  Split it.',
        'File `b.ts`',
        '- line 3 as it was before: `gone`\n  Why again?',
      ].join('\n\n'),
    );
  });

  it('lets no line end its quotes', () => {
    const message = toMessage([comment({ lineText: 'a `b` ``c``' })], 'x');
    assert.match(message, /``` a `b` ``c`` ```\n/);
  });
});
