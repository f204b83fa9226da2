import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { answerText, startTestServer, temporaryDirectory } from '../support/harness.ts';
import { startOutgoingProxy } from '../support/outgoing-proxy.ts';

const tls = (name: string): URL => new URL(`../fixtures/tls/${name}`, import.meta.url);

describe('the way from an agent to its MCP servers', () => {
  it('leads through the proxy where nothing confines it, as that of its tools does', async () => {
    using proxy = await startOutgoingProxy(() => 1);
    const proxies = { httpProxy: proxy.url, httpsProxy: proxy.url, noProxy: ['direct.example.test'] };
    await using server = await startTestServer({ config: { isolation: 'none', ...proxies } });
    const id = await server.execute({
      prompt: 'run: echo $HTTPS_PROXY $NO_PROXY',
      allowed_tools: ['Bash'],
      mcp_servers: {
        plain: { type: 'http', url: 'http://mcp.example.test/mcp' },
        secure: { type: 'http', url: 'https://mcp.example.test/mcp' },
      },
    });
    const said = answerText(await server.ended(id));
    assert.ok(said.includes(proxy.url) && said.includes('direct.example.test'), said);
    for (const asked of ['POST http://mcp.example.test/mcp', 'CONNECT mcp.example.test:443'])
      assert.ok(proxy.asked.includes(asked), proxy.asked.join());
  });

  for (const isolation of ['none', 'bwrap'] as const) {
    it(`trusts the certificates that the server is told to trust, with isolation ${isolation}`, async () => {
      await using directory = await temporaryDirectory();
      const extraCaCerts = join(directory.path, 'ca.pem');
      // Closed to the users that agents have.
      await writeFile(extraCaCerts, readFileSync(tls('ca.pem')), { mode: 0o600 });
      const asked: string[] = [];
      const identity = { cert: readFileSync(tls('server.pem')), key: readFileSync(tls('server.key.pem')) };
      const mcp = createServer(identity, (request, response) => {
        asked.push(String(request.method));
        response.writeHead(404).end();
      }).listen(0, '127.0.0.1');
      await once(mcp, 'listening');
      using _mcp = { [Symbol.dispose]: () => void mcp.close().closeAllConnections() };
      const url = `https://localhost:${(mcp.address() as AddressInfo).port}/mcp`;
      const reach = async (config: object): Promise<number> => {
        asked.length = 0;
        await using server = await startTestServer({ config: { isolation, ...config } });
        const id = await server.execute({ prompt: 'hello', mcp_servers: { far: { type: 'http', url } } });
        assert.equal((await server.ended(id)).status, 'completed');
        return asked.length;
      };
      assert.equal(await reach({}), 0, 'else this shows nothing');
      assert.ok((await reach({ extraCaCerts })) > 0);
    });
  }

  it('begins at no server whose certificates cannot be read', async () => {
    await assert.rejects(startTestServer({ config: { extraCaCerts: '/nowhere/ca.pem' } }), {
      name: 'StartupError',
      message: 'cannot read the certificates in /nowhere/ca.pem',
    });
  });
});
