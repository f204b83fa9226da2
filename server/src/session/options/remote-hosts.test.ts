import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SessionOptions } from './fields.ts';
import { mcpHostProblem, remoteHostOf, revokedHost } from './remote-hosts.ts';

const policy = {
  egressHosts: ['mcp.example.com', '*.example.org'],
  allowedPrivateHosts: ['mcp.internal', '10.0.0.0/8', 'fd00::7'],
};
const problemOf = (url: string) => mcpHostProblem(remoteHostOf(url), policy);

describe('the MCP servers that a key may name', () => {
  it('are on hosts that the operator lists for agents, on the ports of the web', () => {
    for (const url of [
      'https://mcp.example.com/mcp',
      'https://MCP.example.com.',
      'https://a.example.org',
      'http://a.example.org',
    ]) {
      assert.equal(problemOf(url), null, url);
    }
    for (const url of ['https://8.8.8.8/', 'https://example.org', 'https://mcp.example.com.evil.example']) {
      assert.match(problemOf(url) ?? '', /may not connect to/, url);
    }
    for (const port of [25, 22, 8443, 80 + 8000]) {
      assert.match(problemOf(`https://mcp.example.com:${port}/`) ?? '', new RegExp(`not to ${port}`));
    }
  });

  it('are on any port of a private host that the operator names', () => {
    for (const url of ['http://mcp.internal:8080/mcp', 'https://10.1.2.3:9000/', 'http://[fd00::7]:81/']) {
      assert.equal(problemOf(url), null, url);
    }
    assert.notEqual(problemOf('https://11.1.2.3/'), null);
  });
});

describe('what a session may not have any more', () => {
  const revoked = (options: SessionOptions, isLocal = false) => revokedHost(options, { policy, isLocal });
  const remote = (url: string): SessionOptions => ({ mcp_servers: { far: { type: 'http', url } } });

  it('is a host that the operator does not list now', () => {
    assert.equal(revoked({ network: { allowed_hosts: ['a.example.org'] } }), null);
    const gone: SessionOptions = { network: { allowed_hosts: ['a.example.org', 'gone.example'] } };
    for (const isLocal of [false, true])
      assert.match(revoked(gone, isLocal) ?? '', /connect to gone\.example/);
  });

  it('is an MCP server there, unless the local user named it', () => {
    assert.equal(revoked(remote('https://mcp.example.com')), null);
    assert.match(revoked(remote('https://gone.example')) ?? '', /mcp_servers\.far: .*gone\.example/);
    assert.equal(revoked(remote('http://127.0.0.1:9000'), true), null);
    assert.equal(revoked({ mcp_servers: { near: { type: 'stdio', command: 'echo' } } }), null);
  });
});
