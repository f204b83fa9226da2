import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { noTokens, type Tokens } from '../../session/usage/tokens.ts';
import type { SeenUsage } from './usage-tap.ts';
import { type Course, usedBy } from './used.ts';

/** 4000 bytes, so a thousand tokens where nobody counted them. */
const asked = { model: 'asked', maxTokens: 8_000, isStream: true, bytes: Buffer.alloc(4_000) };
const unstreamed = { ...asked, isStream: false };

/** A stream that has begun, said its prompt of 900 tokens, and not yet what it wrote. */
function seen(part: Omit<Partial<SeenUsage>, 'tokens'> & { tokens?: Partial<Tokens> } = {}): SeenUsage {
  return {
    model: 'said',
    isOutputSaid: false,
    isStopped: false,
    isBegun: true,
    isRefusal: false,
    writtenBytes: 0,
    silentMs: 0,
    bodyBytes: 50_000,
    isReadable: true,
    ...part,
    tokens: { ...noTokens, input: 900, output: 1, ...part.tokens },
    others: [],
  };
}
const nothing = seen({ model: null, isBegun: false, tokens: { input: 0, output: 0 } });

const base: Course = { asked, status: 200, seen: seen(), ending: 'whole', tookMs: 60_000 };

describe('what a request used', () => {
  const said = { isOutputSaid: true, isStopped: true, writtenBytes: 400 };
  const cases: [
    what: string,
    course: Partial<Course>,
    expected: [input: number, output: number, isEstimated: boolean],
  ][] = [
    ['is what a whole answer says', { seen: seen({ ...said, tokens: { output: 7 } }) }, [900, 7, false]],
    [
      'is what a stream said that had its last event, whoever went away then',
      { seen: seen({ ...said, tokens: { output: 7 } }), ending: 'left' },
      [900, 7, false],
    ],
    [
      'is estimated where the agent left at the first figure, which may not be the last',
      { seen: seen({ isOutputSaid: true, writtenBytes: 400, tokens: { output: 7 } }), ending: 'left' },
      [900, 100, true],
    ],
    [
      'is what was seen of a stream that was cut off',
      { seen: seen({ writtenBytes: 400 }), ending: 'broken' },
      [900, 100, true],
    ],
    [
      'is what was seen of a stream that its agent left while it wrote',
      { seen: seen({ writtenBytes: 4_001 }), ending: 'left' },
      [900, 1_001, true],
    ],
    [
      'counts the time to an agent that left a stream which wrote nothing that can be seen',
      { seen: seen({ writtenBytes: 400, silentMs: 20_000 }), ending: 'left' },
      [900, 2_100, true],
    ],
    [
      'counts no time where the model API fell silent',
      { seen: seen({ writtenBytes: 400, silentMs: 90_000 }), ending: 'broken' },
      [900, 100, true],
    ],
    [
      'is no more than was asked for',
      { seen: seen({ silentMs: 500_000 }), ending: 'left' },
      [900, 8_000, true],
    ],
    [
      'is as much as the answer says, also when that is more than was asked for',
      { seen: seen({ ...said, tokens: { output: 9_000 } }) },
      [900, 9_000, false],
    ],
    [
      'is the prompt of a stream that was left before it began',
      { seen: nothing, ending: 'left' },
      [1_000, 0, true],
    ],
    [
      'is the prompt of a stream that was left before it was answered',
      { seen: null, status: null, ending: 'left' },
      [1_000, 0, true],
    ],
    [
      'counts the time to an agent that left an unstreamed answer',
      { asked: unstreamed, seen: null, status: null, ending: 'left', tookMs: 30_000 },
      [1_000, 3_000, true],
    ],
    [
      'counts little time where it left at once',
      { asked: unstreamed, seen: null, status: null, ending: 'left', tookMs: 200 },
      [1_000, 20, true],
    ],
    [
      'is the prompt of a stream that was cut before it began',
      { seen: nothing, ending: 'broken' },
      [1_000, 0, true],
    ],
    [
      'is estimated where a whole answer does not say it',
      { seen: seen({ writtenBytes: 400, isStopped: true }) },
      [900, 100, true],
    ],
    [
      'is estimated where an answer says a prompt of nothing',
      { seen: seen({ ...said, tokens: { input: 0, output: 7 } }) },
      [1_000, 7, true],
    ],
    [
      'has a prompt that is said where all of it was cached',
      { seen: seen({ ...said, tokens: { input: 0, cacheRead: 900, output: 7 } }) },
      [0, 7, false],
    ],
    [
      'is estimated by the bytes of a whole answer that is no message',
      { seen: { ...nothing, bodyBytes: 8_000 } },
      [1_000, 2_000, true],
    ],
    [
      'is estimated by the bytes of an answer that cannot be read, whoever ended it',
      { seen: { ...nothing, isReadable: false, bodyBytes: 8_000 }, ending: 'left' },
      [1_000, 2_000, true],
    ],
  ];
  for (const [what, course, [input, output, isEstimated]] of cases) {
    it(what, () => {
      const used = usedBy({ ...base, ...course });
      assert.ok('tokens' in used);
      assert.deepEqual(
        [used.tokens.input, used.tokens.output, used.isEstimated],
        [input, output, isEstimated],
      );
      assert.equal(used.model, (course.seen === undefined ? base : course).seen?.model ?? 'asked');
    });
  }

  it('is nothing where the model API refused it, or was not reached', () => {
    const free: Partial<Course>[] = [
      { status: 429, seen: nothing },
      { status: 302, seen: nothing },
      { status: null, seen: null, ending: 'broken' },
      { seen: { ...nothing, isRefusal: true } },
    ];
    for (const course of free) {
      const { status } = { ...base, ...course };
      assert.deepEqual(usedBy({ ...base, ...course }), {
        isFree: true,
        model: 'asked',
        upstreamStatus: status,
      });
    }
  });
});
