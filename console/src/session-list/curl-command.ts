import { quoteForShell } from '../snippet/snippet.ts';

/** Starts a session from a terminal. The key, where one is needed, comes from the environment: no secret is shown. */
export function curlCommand({ apiUrl, needsKey }: { apiUrl: string; needsKey: boolean }): string {
  return [
    `curl -X POST ${quoteForShell(`${apiUrl}/execute/`)}`,
    ...(needsKey ? ['-H "Authorization: Bearer $GREENROOM_API_KEY"'] : []),
    `-H 'Content-Type: application/json'`,
    `-d '{"prompt": "introduce yourself"}'`,
  ].join(' \\\n  ');
}
