import { type Config, isLocalOnly } from '../../ground/config/config.ts';
import { type Finding, ok, warn } from './finding.ts';

/** Who can reach the server, and what they need. `hasKeys` null: not known. */
export function checkExposure(
  config: Pick<Config, 'host' | 'port' | 'trustProxy'>,
  hasKeys: boolean | null,
): Finding {
  const { host, port, trustProxy } = config;
  const where = `${host}:${port}`;
  if (isLocalOnly(config)) {
    const who = hasKeys === null ? '' : hasKeys ? ', with an API key' : ', without a key, as the local user';
    return ok('address', `${where}: only this machine${who}`);
  }
  const who =
    hasKeys === false ? 'the first start will print a first API key' : 'every request needs an API key';
  if (trustProxy.length > 0) return ok('address', `${where}: ${who}; a proxy is trusted`);
  return warn(
    'address',
    `${where}: ${who}; keys travel unencrypted`,
    'put a proxy that speaks HTTPS in front (see docs/security.md) and name it in --trust-proxy, or listen on 127.0.0.1',
  );
}
