import type { Session, Turn } from '@greenroom/client';
import { type SnippetOptions, toCurl, toTypeScript } from '../snippet/snippet.ts';

export type Snippet = { name: 'start' | 'message' | 'follow'; curl: string; typescript: string };

/** What is done with a session, as requests. `first`: the turn that it began with. */
export function snippetsOf(
  session: Pick<Session, 'session_id' | 'options' | 'title' | 'cwd' | 'metadata'>,
  { first, message }: { first: Pick<Turn, 'prompt'> | null; message: string },
  options: SnippetOptions,
): Snippet[] {
  const { session_id: id, title, cwd, metadata } = session;
  const start = {
    prompt: first?.prompt ?? message,
    ...(title !== null && { title }),
    ...(cwd !== null && { cwd }),
    ...(Object.keys(metadata).length > 0 && { metadata }),
    ...session.options,
  };
  const said = { prompt: message, delivery: 'queue' };
  return [
    {
      name: 'start',
      curl: toCurl({ method: 'POST', path: '/execute/', body: start }, options),
      typescript: toTypeScript({ call: 'client.execute', args: [start] }, options),
    },
    {
      name: 'message',
      curl: toCurl({ method: 'POST', path: `/sessions/${id}/messages`, body: said }, options),
      typescript: toTypeScript({ call: 'client.sessions.messages.send', args: [id, said] }, options),
    },
    { name: 'follow', ...follow(id, options) },
  ];
}

function follow(id: string, options: SnippetOptions): Omit<Snippet, 'name'> {
  const curl = toCurl({ method: 'GET', path: `/sessions/${id}/events` }, options);
  const call = toTypeScript({ call: 'CALL', args: [] }, options);
  return {
    curl: `${curl.replace('curl -sS', 'curl -sSN')} \\\n  -H 'accept: text/event-stream'`,
    typescript: [
      call.slice(0, call.indexOf('const answer')).trimEnd(),
      `for await (const event of client.sessions.stream(${JSON.stringify(id)})) {`,
      '  console.log(event);',
      '}',
    ].join('\n'),
  };
}
