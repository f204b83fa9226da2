import assert from 'node:assert/strict';
import { type Kysely, sql } from 'kysely';
import type { Database } from '../../src/ground/db/database.ts';
import type { EventView } from '../../src/session/event/event.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests look into data freely
export type SseEvent = { id: string | null; event: string; data: any };

export type StreamOptions = { lastEventId?: string | undefined; signal?: AbortSignal };

/** A client of the event stream as strict as the standard: fails on anything but one-line fields and known names. */
export async function* readStream(
  url: string,
  options: StreamOptions = {},
): AsyncGenerator<SseEvent, void, undefined> {
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, ...(options.signal === undefined ? [] : [options.signal])]);
  const response = await openStream(url, { ...options, signal });
  try {
    yield* parseStream(response.body ?? assert.fail('no body'));
  } finally {
    stop.abort();
  }
}

export async function openStream(
  url: string,
  { lastEventId, signal }: StreamOptions = {},
): Promise<Response> {
  const headers = {
    accept: 'text/event-stream',
    ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
  };
  const response = await fetch(url, { headers, ...(signal === undefined ? {} : { signal }) });
  assert.equal(response.status, 200, `${url}: ${response.status}`);
  return response;
}

export async function* parseStream(
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<SseEvent, void, undefined> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  for await (const bytes of body) {
    const frames = (rest + decoder.decode(bytes, { stream: true })).split('\n\n');
    rest = frames.pop() ?? '';
    for (const frame of frames) {
      const event = parseFrame(frame);
      if (event !== null) yield event;
    }
  }
}

function parseFrame(frame: string): SseEvent | null {
  const fields = new Map<string, string>();
  for (const line of frame.split('\n')) {
    if (line.startsWith(':')) continue;
    const [, name = '', value = ''] =
      /^(id|event|data|retry): (.*)$/.exec(line) ?? assert.fail(`not SSE: ${line}`);
    assert.ok(!fields.has(name), `two lines of ${name}`);
    fields.set(name, value);
  }
  const data = fields.get('data');
  if (data === undefined) return null;
  return { id: fields.get('id') ?? null, event: fields.get('event') ?? 'message', data: JSON.parse(data) };
}

/** The table itself: what every stream and page is held against. */
export async function readTable(db: Kysely<Database>, sessionId: string): Promise<EventView[]> {
  const { rows } = await sql<EventView & { at: Date | string }>`
    select seq, kind, turn_id, at, data from events where session_id = ${sessionId} order by seq
  `.execute(db);
  return rows.map((row) => ({ ...row, at: new Date(row.at).toISOString() }));
}
