import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A way to a test database that can stand still, as a network does: nothing passes, and nobody is told. */
export type DatabaseProxy = {
  url: string;
  pause(): void;
  resume(): void;
  [Symbol.asyncDispose](): Promise<void>;
};

/**
 * `databaseUrl` as `createDatabase` makes it: of a socket in a directory. `refuses` is asked about the first message of
 * each connection.
 */
export async function startDatabaseProxy(
  databaseUrl: string,
  refuses: (startup: string) => boolean = () => false,
): Promise<DatabaseProxy> {
  const { username, password, pathname, searchParams } = new URL(databaseUrl);
  const path = `${searchParams.get('host')}/.s.PGSQL.5432`;
  const sockets = new Set<Socket>();
  let isPaused = false;
  const pass = (from: Socket, to: Socket): void => {
    sockets.add(from);
    from.on('data', (data) => to.write(data));
    from.on('error', () => to.destroy());
    from.on('close', () => {
      sockets.delete(from);
      to.destroy();
    });
    if (isPaused) from.pause();
  };
  const server = createServer((client) => {
    client.once('data', (data) => {
      if (refuses(data.toString('latin1'))) client.destroy();
    });
    const database = connect(path);
    pass(client, database);
    pass(database, client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `postgresql://${username}:${password}@127.0.0.1:${port}${pathname}`,
    pause: () => {
      isPaused = true;
      for (const socket of sockets) socket.pause();
    },
    resume: () => {
      isPaused = false;
      for (const socket of sockets) socket.resume();
    },
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}
