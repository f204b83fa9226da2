import { SilentModelError } from './silence.ts';

const kinds: Record<string, string> = {
  ENOTFOUND: 'its name was not found',
  EAI_AGAIN: 'its name could not be looked up',
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was closed',
  UND_ERR_SOCKET: 'the connection was closed',
  EPIPE: 'the connection was closed',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no way to it',
  ETIMEDOUT: 'the connection took too long',
  UND_ERR_CONNECT_TIMEOUT: 'the connection took too long',
  EPROTO: 'it does not speak TLS',
  UND_ERR_PRX_CONN: 'the proxy closed the connection',
  UND_ERR_PRX_TLS: 'the certificate of the proxy was not accepted',
};

/** Why a model API gave no answer, or no whole one: of which kind it is, and no host, since clients read it as well. */
export function describeFailure(error: unknown, isBegun: boolean): string {
  if (error instanceof SilentModelError) return error.message;
  return `the model API ${isBegun ? 'broke its answer off' : 'could not be asked'}: ${kindOf(error)}`;
}

function kindOf(error: unknown): string {
  const { code = '', message = '' } = error as { code?: string; message?: string };
  const proxy =
    /^Proxy response \((\d+)\)/.exec(message)?.[1] ??
    /Proxy Authentication Required \((\d+)\)/.exec(message)?.[1];
  if (proxy !== undefined) return `the proxy answered ${proxy}`;
  if (isCertificateError(error)) return 'its certificate was not accepted';
  return kinds[code] ?? 'the request failed';
}

export function isCertificateError(error: unknown): boolean {
  const { code = '' } = error as { code?: string };
  return /^(CERT_|ERR_TLS_|ERR_SSL_|DEPTH_|SELF_SIGNED_|UNABLE_TO_)/.test(code);
}
