import { request } from 'undici';
import { isCertificateError } from '../../engine/gateway/failure.ts';
import { OutgoingConnections } from '../../engine/gateway/outgoing.ts';
import type { Upstream } from '../../engine/gateway/upstream.ts';
import { errorMessage } from '../../ground/errors.ts';
import type { ProxySettings } from '../../ground/util/outgoing-proxy.ts';
import { type Finding, fail, ok, warn } from './finding.ts';

const PATIENCE_MS = 10_000;

/** Asks for the list of models, which costs nothing. An API that has none is reached all the same. */
export async function checkModel(upstream: Upstream, proxies: ProxySettings): Promise<Finding> {
  await using connections = new OutgoingConnections(proxies);
  const { origin } = upstream.baseUrl;
  const url = new URL('v1/models?limit=1', `${upstream.baseUrl.href.replace(/\/$/, '')}/`);
  try {
    const answer = await request(url, {
      headers: { ...upstream.credentials, 'anthropic-version': '2023-06-01' },
      dispatcher: connections.to(url),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    await answer.body.dump();
    return judge(answer.statusCode, origin);
  } catch (error) {
    const proxy = connections.proxyTo(url);
    const way = proxy === undefined ? '' : ` through the proxy ${proxy}`;
    return fail('model', `${origin} cannot be reached${way}: ${errorMessage(error)}`, mend(error, proxy));
  }
}

function mend(error: unknown, proxy: string | undefined): string {
  if (isCertificateError(error)) {
    return 'name the CA that signed its certificate in NODE_EXTRA_CA_CERTS, a file that Node.js reads at its start';
  }
  if (proxy !== undefined) return 'check HTTPS_PROXY, HTTP_PROXY and NO_PROXY';
  return 'check the network, a firewall, ANTHROPIC_BASE_URL, and HTTPS_PROXY where a proxy is the way out';
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
