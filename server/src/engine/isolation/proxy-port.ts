import type { EgressPlan } from './egress.ts';

/** Where programs inside find the proxy. */
export const PROXY_PORT = 3128;
export const PROXY_SOCKET = '/run/gw/egress.sock';
/** Where the program is that the forwarder runs in. */
export const NODE = '/opt/node/node';

/** Inside there is only a socket, and programs want a port. Says on a pipe when it listens. */
const FORWARD = `
const { connect, createServer } = require('node:net');
const { writeFileSync } = require('node:fs');
createServer((client) => {
  const proxy = connect('${PROXY_SOCKET}');
  client.on('error', () => proxy.destroy());
  proxy.on('error', () => client.destroy());
  client.pipe(proxy).pipe(client);
}).listen(${PROXY_PORT}, '127.0.0.1', () => writeFileSync(process.argv[1], 'ready\\n'));
`;

const START = `
mkfifo /tmp/.egress
${NODE} -e "$1" /tmp/.egress </dev/null >/dev/null 2>&1 &
read -r _ </tmp/.egress
rm /tmp/.egress
shift
exec "$@"
`;

/** Starts the forwarder beside the program that comes after; nothing of the program's own input and output goes to it. */
export const withForwarder = ['/bin/sh', '-c', START, 'sh', FORWARD];

const ownNames = ['localhost', '127.0.0.1', '::1'];

/** Reached without the proxy: the model's gateway, and what runs inside, unless the session has a server on the machine. */
export function exceptionsOf({ rules }: EgressPlan): string[] {
  return ['gateway', ...ownNames.filter((name) => !rules.some(({ host }) => host === name))];
}

/** Tells programs of the proxy. */
export function proxyVariables(exceptions: readonly string[]): Record<string, string> {
  const proxy = `http://127.0.0.1:${PROXY_PORT}`;
  const direct = exceptions.join();
  return {
    HTTP_PROXY: proxy,
    HTTPS_PROXY: proxy,
    http_proxy: proxy,
    https_proxy: proxy,
    NO_PROXY: direct,
    no_proxy: direct,
    NODE_USE_ENV_PROXY: '1',
  };
}
