import { errorMessage } from '../errors.ts';
import type { Upstream } from '../gateway/upstream.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

const PATIENCE_MS = 10_000;

/** Asks for the list of models, which costs nothing. An API that has none is reached all the same. */
export async function checkModel(upstream: Upstream): Promise<Finding> {
  const { origin } = upstream.baseUrl;
  const url = new URL('v1/models?limit=1', `${upstream.baseUrl.href.replace(/\/$/, '')}/`);
  try {
    const answer = await fetch(url, {
      headers: { ...upstream.credentials, 'anthropic-version': '2023-06-01' },
      redirect: 'manual',
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    await answer.body?.cancel();
    return judge(answer.status, origin);
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    return fail(
      'model',
      `${origin} cannot be reached: ${errorMessage(cause)}`,
      'check the network, a firewall, and ANTHROPIC_BASE_URL',
    );
  }
}

function judge(status: number, origin: string): Finding {
  if (status === 401 || status === 403) {
    return fail(
      'model',
      `${origin} refuses the credential (${status})`,
      'check ANTHROPIC_API_KEY or ANTHROPIC_AUTH_TOKEN',
    );
  }
  if (status >= 500) return warn('model', `${origin} answers with ${status}`, 'try again later');
  return ok(
    'model',
    status < 300 ? `${origin} answers` : `${origin} is reached (it lists no models: ${status})`,
  );
}
