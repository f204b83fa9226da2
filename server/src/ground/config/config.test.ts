import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { StartupError } from '../errors.ts';
import { type ConfigSources, configuredSecrets, describeConfig, loadConfig } from './config.ts';
import { rootsOf } from './roots.ts';

const machine = { userDataDir: '/home/ada/data', isRoot: false, availableMemory: 8 * 2 ** 30, cores: 2 };
const directory = mkdtempSync(join(tmpdir(), 'greenroom-config-'));
after(() => rmSync(directory, { recursive: true }));

function load(sources: Partial<ConfigSources>) {
  return loadConfig({ flags: {}, env: {}, cwd: '/nonexistent', machine, ...sources });
}

/** Loads with a configuration file of this text. */
function loadFile(text: string, sources: Partial<ConfigSources> = {}) {
  writeFileSync(join(directory, 'greenroom.config.json'), text);
  return load({ cwd: directory, ...sources });
}

function refuses(run: () => unknown, message: RegExp): void {
  assert.throws(run, (error: unknown) => {
    assert.ok(error instanceof StartupError, String(error));
    assert.match(error.message, message);
    return true;
  });
}

describe('the configuration', () => {
  it('takes a flag before the environment, that before the file, and that before the default', () => {
    const file = '{"host": "file", "port": 3, "model": "file", "logLevel": "warn"}';
    const { config, origins } = loadFile(file, {
      flags: { host: 'flag' },
      env: { GREENROOM_HOST: 'environment', GREENROOM_PORT: '2', GREENROOM_MODEL: 'environment' },
    });
    const { host, port, model, logLevel, logFormat } = config;
    assert.deepEqual(
      { host, port, model, logLevel, logFormat },
      { host: 'flag', port: 2, model: 'environment', logLevel: 'warn', logFormat: 'auto' },
    );
    assert.equal(origins.host, 'flag --host');
    assert.equal(origins.port, 'environment GREENROOM_PORT');
    assert.equal(origins.logLevel, `file ${join(directory, 'greenroom.config.json')}`);
    assert.equal(origins.logFormat, 'default');
  });

  it('counts an empty variable as not set, and takes PORT where GREENROOM_PORT is not', () => {
    const env = { GREENROOM_PORT: '', PORT: '9000', GREENROOM_MODEL: '' };
    const { config, origins } = load({ env });
    assert.equal(config.port, 9000);
    assert.equal(origins.port, 'environment PORT');
    assert.equal(config.model, null);
    assert.equal(load({ env: { GREENROOM_PORT: '1', PORT: '2' } }).config.port, 1);
  });

  it('refuses an unknown key or variable and names the one that was probably meant', () => {
    refuses(() => loadFile('{"maxSession": 3}'), /"maxSession".*did you mean "maxSessions"\?/);
    const env = { GREENROOM_MAX_SESSION: '3' };
    refuses(() => load({ env }), /GREENROOM_MAX_SESSION;.*"GREENROOM_MAX_SESSIONS"\?/);
    refuses(() => load({ env: { GREENROOM_HTTP_PORT: '80' } }), /GREENROOM_HTTP_PORT/);
    assert.doesNotThrow(() => loadFile('{"$schema": "x"}'));
  });

  it('ignores what Kubernetes sets for services of this name', () => {
    const { config } = load({
      env: {
        GREENROOM_SERVICE_HOST: '10.0.0.1',
        GREENROOM_SERVICE_PORT: '8000',
        GREENROOM_SERVICE_PORT_HTTP: '8000',
        GREENROOM_PORT: 'tcp://10.0.0.1:8000',
        GREENROOM_PORT_8000_TCP: 'tcp://10.0.0.1:8000',
        GREENROOM_PORT_8000_TCP_ADDR: '10.0.0.1',
        GREENROOM_POSTGRES_SERVICE_HOST: '10.0.0.2',
        GREENROOM_POSTGRES_PORT: 'tcp://10.0.0.2:5432',
        GREENROOM_POSTGRES_PORT_5432_TCP_PROTO: 'tcp',
      },
    });
    assert.equal(config.port, 8000);
  });

  it('reads times as seconds or with a unit, and counts in milliseconds', () => {
    const idleTtl = (value: unknown) => load({ flags: { idleTtl: value } }).config.idleTtl;
    const times = { '90': 90_000, '500ms': 500, '1.5s': 1_500, '5m': 300_000, '12h': 43_200_000, '0': 0 };
    for (const [text, ms] of Object.entries(times)) assert.equal(idleTtl(text), ms, text);
    assert.equal(idleTtl(2), 2_000);
    assert.equal(load({ flags: { retention: '30d' } }).config.retention, 30 * 86_400_000);
    assert.equal(load({ flags: { retention: 'never' } }).config.retention, null);
    assert.equal(load({ flags: { ledgerRetention: 'never' } }).config.ledgerRetention, null);
    refuses(() => load({ flags: { auditRetention: '1h' } }), /auditRetention.*at least 1d/);
    for (const bad of ['', 'soon', '5 years', '-1', '1h30m', null, true]) {
      refuses(() => idleTtl(bad), /idleTtl \(flag --idle-ttl\)/);
    }
  });

  it('stops no turn for a model that is silent for no longer than it may be', () => {
    const stall = (given: Partial<ConfigSources>) => load(given).config.stallTimeout;
    assert.equal(stall({}), 900_000);
    assert.equal(stall({ flags: { modelIdleTimeout: '20m' } }), 1_500_000);
    const upstreams = JSON.stringify([{ models: ['*'], base_url: 'http://m.example', idle_timeout: '25m' }]);
    const { config } = load({ env: { GREENROOM_UPSTREAMS: upstreams } });
    assert.deepEqual([config.stallTimeout, config.upstreams[0]?.idleTimeout], [1_800_000, 1_500_000]);
    assert.equal(stall({ flags: { modelIdleTimeout: '20m', stallTimeout: '1m' } }), 60_000);
    for (const bad of ['0', '30m', 'long'])
      refuses(() => stall({ flags: { modelIdleTimeout: bad } }), /modelIdleTimeout/);
  });

  it('takes the way out of the network from the variables that other programs read', () => {
    const env = { HTTPS_PROXY: 'proxy.example:3128', http_proxy: 'http://low', HTTP_PROXY: 'http://high' };
    const { config, origins } = load({ env: { ...env, NO_PROXY: '.a.example, b.example  10.0.0.0/8,' } });
    assert.equal(config.httpsProxy, 'http://proxy.example:3128');
    assert.deepEqual([config.httpProxy, origins.httpProxy], ['http://low', 'environment http_proxy']);
    assert.deepEqual(config.noProxy, ['.a.example', 'b.example', '10.0.0.0/8']);
    refuses(
      () => load({ env: { HTTPS_PROXY: 'socks5://ada:secret@proxy' } }),
      /httpsProxy \(environment HTTPS_PROXY\)(?!.*secret)/,
    );
    refuses(() => load({ env: { HTTPS_PROXY: 'http://ada:50%@proxy' } }), /is written %25/);
    load({ env: { HTTPS_PROXY: 'http://ada:50%25@proxy' } });
  });

  it('refuses to wait longer than a timer can', () => {
    refuses(() => load({ flags: { idleTtl: '30d' } }), /at most 24d/);
    assert.ok(load({ flags: { shutdownGrace: '24d' } }).config.shutdownGrace < 2 ** 31);
  });

  it('refuses what is no number where a number belongs, from the file too', () => {
    for (const port of ['null', 'true', '""', '[]', '[80]', '"80a"', '-1', '65536', '1.5']) {
      refuses(() => loadFile(`{"port": ${port}}`), /port \(file /);
    }
    refuses(() => load({ flags: { maxSessions: '0' } }), /maxSessions \(flag --max-sessions\)/);
    refuses(() => load({ env: { GREENROOM_DEMO_TOKENS_PER_SECOND: '0' } }), /demoTokensPerSecond/);
    assert.equal(loadFile('{"port": "80"}').config.port, 80);
  });

  it('plans one session per 300 MB of free memory, at most four per core, at least one', () => {
    const maxSessions = (availableMemory: number, cores: number) =>
      load({ machine: { ...machine, availableMemory, cores } }).config.maxSessions;
    assert.equal(maxSessions(1_000 * 2 ** 20, 8), 3);
    assert.equal(maxSessions(64 * 2 ** 30, 2), 8);
    assert.equal(maxSessions(100 * 2 ** 20, 1), 1);
  });

  it('lets sessions work in the current directory only while nobody else can reach the server', () => {
    const roots = (host: string) => load({ cwd: '/work', flags: { host } }).config.workspaceRoots;
    for (const host of ['127.0.0.1', '127.8.0.1', '::1', 'localhost'])
      assert.deepEqual(roots(host), ['/work']);
    for (const host of ['0.0.0.0', '::', '10.0.0.1', 'example.org']) assert.deepEqual(roots(host), []);
    const flags = { host: '0.0.0.0', workspaceRoots: 'a:/b:' };
    assert.deepEqual(load({ cwd: '/work', flags }).config.workspaceRoots, ['/work/a', '/b']);
  });

  it('lets each tenant work in its own roots and those of all, the tenant default in plain ones', () => {
    const flags = { workspaceRoots: 'a:acme=b:*=/c:default=/d:./e=f' };
    const { workspaceRoots } = load({ cwd: '/work', flags }).config;
    assert.deepEqual(rootsOf(workspaceRoots, 'default'), ['/work/a', '/c', '/d', '/work/e=f']);
    assert.deepEqual(rootsOf(workspaceRoots, 'acme'), ['/work/b', '/c']);
  });

  it('lets sessions start MCP servers while nobody else can reach the server, else leaves it to isolation, unless it is told', () => {
    const mcpStdio = (flags: object) => load({ flags: { ...flags } }).config.mcpStdio;
    assert.equal(mcpStdio({}), true);
    assert.equal(mcpStdio({ host: '0.0.0.0' }), null);
    assert.equal(mcpStdio({ host: '0.0.0.0', mcpStdio: 'true' }), true);
    assert.equal(mcpStdio({ mcpStdio: '0' }), false);
    assert.equal(loadFile('{"mcpStdio": false}').config.mcpStdio, false);
    refuses(() => mcpStdio({ mcpStdio: 'maybe' }), /mcpStdio \(flag --mcp-stdio\).*expected true or false/);
  });

  it('reads lists with commas, checks each entry, and takes `none` for an empty one', () => {
    const list = (name: string, value: string) => load({ flags: { [name]: value } }).config;
    assert.deepEqual(list('corsOrigins', 'https://a.example, HTTP://b.example:80').corsOrigins, [
      'https://a.example',
      'http://b.example',
    ]);
    assert.deepEqual(list('trustProxy', '10.0.0.0/8,::1').trustProxy, ['10.0.0.0/8', '::1']);
    assert.deepEqual(list('allowedPrivateHosts', 'none').allowedPrivateHosts, []);
    for (const origin of ['*', 'a.example', 'https://a.example/path', 'ftp://a.example', '']) {
      refuses(
        () => list('corsOrigins', `https://ok.example,${origin}`),
        /corsOrigins \(flag --cors-origins\)/,
      );
    }
    for (const proxy of ['proxy', '10.0.0.0/33', '10.0.0']) {
      refuses(() => list('trustProxy', proxy), /trustProxy.*10\.0\.0\.0\/8/);
    }
  });

  it('takes the origin null only where nobody but this machine reaches the server', () => {
    const origins = (flags: object) => load({ flags: { corsOrigins: 'null', ...flags } }).config.corsOrigins;
    assert.deepEqual(origins({}), ['null']);
    refuses(() => origins({ host: '0.0.0.0' }), /corsOrigins may list null only/);
    refuses(() => origins({ trustProxy: '127.0.0.1' }), /corsOrigins may list null only/);
  });

  it('limits connections by address only where others can reach the server', () => {
    const limit = (flags: object) => load({ flags: { ...flags } }).config.maxConnectionsPerIp;
    assert.equal(limit({}), null);
    assert.equal(limit({ host: '0.0.0.0' }), 256);
    assert.equal(limit({ maxConnectionsPerIp: '5' }), 5);
  });

  it('takes a server on loopback that trusts a proxy for one that others can reach', () => {
    const { config } = load({ flags: { trustProxy: '127.0.0.1' } });
    assert.deepEqual([config.workspaceRoots, config.mcpStdio, config.egressHosts], [[], null, []]);
    assert.equal(config.maxConnectionsPerIp, 256);
  });

  it('keeps its data in the system as root, else in the user data directory', () => {
    assert.equal(load({}).config.dataDir, '/home/ada/data');
    assert.equal(load({ machine: { ...machine, isRoot: true } }).config.dataDir, '/var/lib/greenroom');
    assert.equal(load({ cwd: '/work', flags: { dataDir: 'data' } }).config.dataDir, '/work/data');
  });

  it('needs no file, but one that --config names', () => {
    assert.equal(load({}).config.port, 8000);
    refuses(() => load({ file: 'missing.json' }), /cannot read .*missing\.json/);
    writeFileSync(join(directory, 'other.json'), '{"port": 81}');
    assert.equal(load({ file: join(directory, 'other.json') }).config.port, 81);
  });

  it('refuses a file that is not one JSON object', () => {
    refuses(() => loadFile('{"port": 80,}'), /greenroom\.config\.json is not valid JSON/);
    for (const text of ['[]', 'null', '"port"']) refuses(() => loadFile(text), /one JSON object/);
  });

  it('refuses a URL of another kind without repeating it', () => {
    const env = { DATABASE_URL: 'mysql://ada:secret@db/greenroom' };
    refuses(() => load({ env }), /^databaseUrl \(environment DATABASE_URL\) is not valid: [^@]*postgres:/);
  });
});

describe('the configuration as it is shown', () => {
  const shown = (env: Record<string, string>) => describeConfig(load({ env }));
  const shownAs = (name: string, env: Record<string, string>) =>
    shown(env).find((line) => line.name === name)?.value;

  it('masks keys, tokens and passwords wherever they stand', () => {
    const lines = shown({
      ANTHROPIC_API_KEY: 'sk-ant-secret-1',
      ANTHROPIC_AUTH_TOKEN: 'secret-2',
      ANTHROPIC_BASE_URL: 'https://ada:secret-3@proxy.example/v1',
      HTTPS_PROXY: 'http://ada:secret-7%40@proxy.example:3128',
      DATABASE_URL: 'postgres://ada:secret-4@db:5432/greenroom?password=secret-5&sslmode=require',
    });
    assert.doesNotMatch(JSON.stringify(lines), /secret/);
    assert.match(JSON.stringify(lines), /http:\/\/ada:\*+@proxy\.example:3128/);
    const { config } = load({ env: { HTTPS_PROXY: 'http://ada:secret-7%40@proxy.example:3128' } });
    assert.deepEqual(configuredSecrets(config), ['secret-7%40', 'secret-7@']);
    const token = { HTTPS_PROXY: 'http://a-token@proxy.example:3128' };
    assert.equal(shownAs('httpsProxy', token), 'http://********@proxy.example:3128/');
    assert.ok(configuredSecrets(load({ env: token }).config).includes('a-token'));
    assert.match(JSON.stringify(lines), /ada:\*+@db:5432\/greenroom\?password=\*+&sslmode=require/);
  });

  it('reads the keys of further model APIs from the variables that are named, and masks them', () => {
    const upstreams = [
      { models: ['glm-*'], base_url: 'https://glm.example/v1', auth_token_env: 'GLM_TOKEN' },
    ];
    const env = { GLM_TOKEN: 'secret-6', GREENROOM_UPSTREAMS: JSON.stringify(upstreams) };
    const loaded = load({ env });
    const { config } = loadFile(JSON.stringify({ upstreams }), { env: { GLM_TOKEN: 'secret-6' } });
    assert.deepEqual(config.upstreams, loaded.config.upstreams);
    assert.deepEqual(config.upstreams[0], {
      models: ['glm-*'],
      baseUrl: 'https://glm.example/v1',
      apiKey: null,
      authToken: 'secret-6',
      idleTimeout: null,
    });
    assert.equal(shownAs('upstreams', env), 'glm-* at https://glm.example');
    assert.deepEqual(configuredSecrets(config), ['secret-6']);
    refuses(() => loadFile(JSON.stringify({ upstreams })), /GLM_TOKEN/);
    refuses(() => load({ env: { GREENROOM_UPSTREAMS: '[{"models":"glm"}]' } }), /upstreams/);
    refuses(() => load({ env: { GREENROOM_UPSTREAMS: 'glm' } }), /JSON/);
  });

  it('shows the rest, in units that it can be written in', () => {
    assert.equal(shownAs('idleTtl', {}), '60s');
    assert.equal(shownAs('sandboxCpus', {}), '(not set)');
    assert.equal(shownAs('retention', {}), 'never');
    assert.equal(shownAs('auditRetention', { GREENROOM_AUDIT_RETENTION: '30d' }), '2592000s');
    assert.equal(shownAs('workspaceRoots', { GREENROOM_HOST: '0.0.0.0' }), '(none)');
    const roots = shownAs('workspaceRoots', { GREENROOM_WORKSPACE_ROOTS: '/a:/b' });
    assert.equal(roots, '/a:/b');
  });
});
