import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { AppError } from '../../ground/errors.ts';
import { writeProblem } from '../../ground/http/broken-request.ts';
import { addressBlock, isAddressIn } from '../../ground/util/ip-address.ts';

/**
 * Holds the connections of one address to a number, whatever they are used for: an idle one and an event stream count
 * alike. Proxies are not limited, since everybody comes through them.
 */
export function installConnectionLimit(
  app: FastifyInstance,
  { maxConnectionsPerIp, trustProxy }: { maxConnectionsPerIp: number | null; trustProxy: readonly string[] },
): void {
  if (maxConnectionsPerIp === null) return;
  const counts = new Map<string, number>();
  const refused = new WeakSet<Socket>();
  app.server.on('connection', (socket: Socket) => {
    const { remoteAddress } = socket;
    if (remoteAddress === undefined || isAddressIn(remoteAddress, trustProxy)) return;
    const address = addressBlock(remoteAddress);
    const count = (counts.get(address) ?? 0) + 1;
    counts.set(address, count);
    socket.once('close', () => release(counts, address));
    if (count <= maxConnectionsPerIp) return;
    refused.add(socket);
    writeProblem(socket, tooMany(maxConnectionsPerIp));
    socket.destroySoon();
  });
  // Its request may have been read before the connection was gone.
  app.addHook('onRequest', async ({ raw }) => {
    if (refused.has(raw.socket)) throw tooMany(maxConnectionsPerIp);
  });
}

function release(counts: Map<string, number>, address: string): void {
  const left = (counts.get(address) ?? 1) - 1;
  if (left > 0) counts.set(address, left);
  else counts.delete(address);
}

function tooMany(limit: number): AppError {
  return new AppError('overloaded', `There are ${limit} connections from this address already.`, {
    hint: 'close some; GREENROOM_MAX_CONNECTIONS_PER_IP is the limit',
    retryAfterSeconds: 5,
  });
}
