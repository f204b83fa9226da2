import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventStream, type Sent, scriptedFetch } from '../test/scripted-fetch.ts';
import { streamMany, streamSession } from './events.ts';
import { Http } from './http.ts';

function makeHttp(...answers: Parameters<typeof scriptedFetch>): { http: Http; sent: Sent[] } {
  const { fetch, sent } = scriptedFetch(...answers);
  return { http: new Http({ baseUrl: 'http://greenroom.test', fetch }), sent };
}

const frame = (event: { kind: string; seq?: number }, id: string | number | undefined = event.seq): string =>
  `retry: 1\n${id === undefined ? '' : `id: ${id}\n`}event: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`;
const prompt = (seq: number): string => frame({ kind: 'prompt', seq });
const end = frame({ kind: 'end' });

const numbers = async (events: AsyncIterable<object>): Promise<(number | string)[]> =>
  await Array.fromAsync(
    events as AsyncIterable<{ seq?: number; kind: string }>,
    ({ seq, kind }) => seq ?? kind,
  );

describe('the events of a session', () => {
  it('come once and in order, also when a connection begins earlier than it was asked to', async () => {
    const { http, sent } = makeHttp(
      eventStream('closed', prompt(2), prompt(3), prompt(4)),
      eventStream('open', prompt(3), prompt(4), prompt(5), end),
    );
    assert.deepEqual(
      await numbers(streamSession(http, 'a', { after: 2, kinds: ['prompt', 'turn'] })),
      [3, 4, 5],
    );
    assert.equal(sent[0]?.url, 'http://greenroom.test/sessions/a/events?after=2&kinds=prompt%2Cturn');
    assert.equal(sent[1]?.headers.get('last-event-id'), '4');
  });

  it('come from the beginning again after a reset, which is shown; so are pieces of messages, as often as they come', async () => {
    const delta = frame({ kind: 'delta' });
    const { http } = makeHttp(
      eventStream('open', frame({ kind: 'reset' }), prompt(1), delta, delta, prompt(2), end),
    );
    assert.deepEqual(await numbers(streamSession(http, 'a', { after: 7 })), [
      'reset',
      1,
      'delta',
      'delta',
      2,
    ]);
  });
});

describe('the events of many sessions', () => {
  it('come once and in order per session; one that ends does not end the stream', async () => {
    const of = (session_id: string, event: { kind: string; seq?: number }, id?: string): string =>
      frame({ ...event, session_id } as { kind: string }, id);
    const { http, sent } = makeHttp(
      eventStream(
        'closed',
        of('a', { kind: 'turn', seq: 3 }),
        of('a', { kind: 'turn', seq: 4 }, 'a:4'),
        of('a', { kind: 'end' }),
      ),
      eventStream(
        'open',
        of('b', { kind: 'turn', seq: 1 }),
        of('a', { kind: 'turn', seq: 4 }),
        frame({ kind: 'ready' }),
      ),
    );
    const events = streamMany(http, { sessions: ['a', 'b'], after: { a: 3 }, statuses: ['running'] });
    const kinds: string[] = [];
    for await (const event of events) {
      kinds.push(`${'session_id' in event ? event.session_id : ''} ${event.kind}`);
      if (event.kind === 'ready') break;
    }
    assert.deepEqual(kinds, ['a turn', 'a end', 'b turn', ' ready']);
    assert.equal(
      decodeURIComponent(new URL(sent[0]?.url ?? '').search),
      '?sessions=a,b&statuses=running&after=a:3',
    );
    assert.equal(sent[1]?.headers.get('last-event-id'), 'a:4');
  });

  it('are of none where none is named', async () => {
    const { http, sent } = makeHttp(eventStream('open', frame({ kind: 'ready' })));
    for await (const _ of streamMany(http, { sessions: [], limit: 5 })) break;
    assert.equal(sent[0]?.url, 'http://greenroom.test/events?limit=5');
  });
});
