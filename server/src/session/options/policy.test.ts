import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AppError } from '../../ground/errors.ts';
import { type Identity, LOCAL_USER, type Scope } from '../../ground/identity.ts';
import type { SessionOptions } from './fields.ts';
import { applyPolicy } from './policy.ts';

type Given = {
  confines?: boolean;
  mcpStdio?: boolean | null;
  allowedPrivateHosts?: string[];
  egressHosts?: string[];
};

/** The field that is refused, and why; null when nothing is. */
async function refusal(
  options: SessionOptions,
  { confines = false, mcpStdio = null, allowedPrivateHosts = [], egressHosts = ['*'] }: Given,
  asker: Identity = LOCAL_USER,
): Promise<[field: string | undefined, message: string] | null> {
  const config = { mcpStdio, allowedPrivateHosts, egressHosts, workspaceRoots: [] };
  const server = { config, driver: { confines } };
  try {
    // What the policy reads of a server, and no more.
    await applyPolicy(options, server as unknown as Parameters<typeof applyPolicy>[1], asker);
    return null;
  } catch (error) {
    assert.ok(error instanceof AppError && error.code === 'invalid_request', String(error));
    return [error.errors?.[0]?.field, error.message];
  }
}

function holder(...scopes: Scope[]): Identity {
  return { ...LOCAL_USER, apiKeyId: 'a-key', name: 'ada', scopes: new Set(scopes) };
}

describe('the policy for options', () => {
  it('lets an agent bypass permissions only where something else holds it, for a key that may', async () => {
    const options: SessionOptions = { permission_mode: 'bypassPermissions' };
    const [field, message] = (await refusal(options, { confines: false })) ?? [];
    assert.deepEqual([field, /without isolation/.test(message ?? '')], ['permission_mode', true]);
    assert.match((await refusal(options, {}, holder('operator')))?.[1] ?? '', /without isolation/);
    assert.equal(await refusal(options, { confines: true }), null);
    const writer = holder('sessions:read', 'sessions:write');
    assert.match((await refusal(options, { confines: true }, writer))?.[1] ?? '', /scope sessions:bypass/);
    assert.equal(await refusal(options, { confines: true }, holder('sessions:bypass')), null);
    assert.equal(await refusal(options, { confines: true }, holder('admin')), null);
    for (const permission_mode of ['default', 'acceptEdits', 'plan'] as const) {
      assert.equal(await refusal({ permission_mode }, {}, writer), null);
    }
  });

  it('lets sessions bring programs as MCP servers where they are confined, unless the operator says', async () => {
    const options: SessionOptions = { mcp_servers: { echo: { type: 'stdio', command: 'echo' } } };
    assert.equal((await refusal(options, { confines: false }))?.[0], 'mcp_servers.echo.type');
    assert.equal(await refusal(options, { confines: true }), null);
    assert.equal(await refusal(options, { confines: false, mcpStdio: true }), null);
    assert.equal((await refusal(options, { confines: true, mcpStdio: false }))?.[0], 'mcp_servers.echo.type');
  });

  it('lets keys name MCP servers of the internet only, and those that the operator lists', async () => {
    for (const type of ['http', 'sse'] as const) {
      const options = (url: string): SessionOptions => ({ mcp_servers: { far: { type, url } } });
      const key = holder('admin');
      for (const url of ['http://127.0.0.1/', 'https://[::1]/', 'https://169.254.169.254/latest/']) {
        const [field, message] = (await refusal(options(url), {}, key)) ?? [];
        assert.deepEqual([field, /private address/.test(message ?? '')], ['mcp_servers.far.url', true], url);
        assert.equal(await refusal(options(url), {}, LOCAL_USER), null);
      }
      assert.match((await refusal(options('http://93.184.216.34/'), {}, key))?.[1] ?? '', /https/);
      assert.equal(await refusal(options('https://93.184.216.34/'), {}, key), null);
      const unlisted: [url: string, egressHosts: string[]][] = [
        ['https://8.8.8.8:25/', ['*']],
        ['https://8.8.8.8/', []],
        ['https://8.8.8.8/', ['mcp.example.com']],
      ];
      for (const [url, egressHosts] of unlisted) {
        const [field, message] = (await refusal(options(url), { egressHosts }, key)) ?? [];
        assert.deepEqual(
          [field, /may (not )?connect to/.test(message ?? '')],
          ['mcp_servers.far.url', true],
          url,
        );
        assert.equal(await refusal(options(url), { egressHosts: [] }, LOCAL_USER), null);
      }
      const listed = { allowedPrivateHosts: ['127.0.0.1'] };
      assert.equal(await refusal(options('http://127.0.0.1:9000/mcp'), listed, key), null);
    }
  });
});
