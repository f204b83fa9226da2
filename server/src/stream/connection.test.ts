import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { describe, it } from 'node:test';
import { StreamConnection } from './connection.ts';

describe('the connection of an event stream', () => {
  it('is not drained once it was destroyed, also before it has closed: whoever waits must not try again and again', async () => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    client.pause();
    client.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
    const [, response] = (await once(server, 'request')) as [unknown, ServerResponse];
    const connection = new StreamConnection(response, { headers: {}, patienceMs: 60_000 });
    const frame = Buffer.alloc(32 * 1024, 'x');
    while (connection.write(frame)) await connection.drained(50);
    connection.destroy();
    assert.equal(connection.isClosed, false, 'its end comes later');
    assert.ok(connection.bufferedBytes > 0);
    assert.equal(await connection.drained(), false);
    await new Promise<void>((resolve) => connection.onClosed(resolve));
    assert.equal(await connection.drained(), false);
    client.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
});
