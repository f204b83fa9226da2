import type { SessionEvent } from '@greenroom/client';
import { client } from '../api/client.ts';
import { say } from '../i18n/locale.ts';
import { MAIN } from '../log/item-lists.ts';
import { Transcript } from '../log/transcript.ts';
import { type ExportedSession, exportName, writeHead, writeItem } from './markdown-export.ts';

const PAGE = 1_000;

/** All events, as the server has them: a line each. */
export async function exportJsonLines(session: ExportedSession): Promise<void> {
  const parts: Blob[] = [];
  for await (const events of readPages(session.id)) {
    // A blob may lie on disk; a text would lie in memory.
    parts.push(new Blob(events.map((event) => `${JSON.stringify(event)}\n`)));
  }
  save(new Blob(parts, { type: 'application/x-ndjson' }), exportName(session, 'jsonl'));
}

/** What the transcript shows, without the subagents'. */
export async function exportMarkdown(session: ExportedSession): Promise<void> {
  const transcript = new Transcript();
  for await (const events of readPages(session.id)) for (const event of events) transcript.append(event);
  const words = {
    prompt: say('acts.export.prompt'),
    agent: say('acts.export.agent'),
    thinking: say('transcript.thought'),
    input: say('tool.input'),
    output: say('tool.output'),
    ended: say('acts.export.turn'),
  };
  const items = transcript.lists.order(MAIN).flatMap((key) => transcript.lists.get(key) ?? []);
  const parts = [writeHead(session), ...items.map((item) => writeItem(item, words))];
  save(new Blob(parts, { type: 'text/markdown' }), exportName(session, 'md'));
}

async function* readPages(id: string): AsyncGenerator<SessionEvent[]> {
  let after = 0;
  for (;;) {
    const page = await client.sessions.events(id, { after, order: 'asc', limit: PAGE });
    yield page.events;
    after = page.events.at(-1)?.seq ?? after;
    if (!page.has_more || page.events.length === 0) return;
  }
}

function save(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // NOTE: the download begins a moment after the click.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
