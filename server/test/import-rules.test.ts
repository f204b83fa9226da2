import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path/posix';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

/*
 * What may import what, read from the source text. Files are named by their path under server/src; a failing rule
 * names the edges that break it.
 */

type Edge = { from: string; to: string; isTypeOnly: boolean };

const statement = /^(?:import|export)\s+(?:([^'";]*?)\s*from\s*)?'([^']+)'|\bimport\('([^']+)'\)/gm;

const root = fileURLToPath(new URL('../src/', import.meta.url));
const files = globSync('**/*.ts', { cwd: root }).filter((file) => !file.endsWith('.test.ts'));
const code = new Map(files.map((file) => [file, withoutComments(readFileSync(join(root, file), 'utf8'))]));
const edges = [...code].flatMap(([from, text]) => readEdges(from, text));

function readEdges(from: string, text: string): Edge[] {
  return [...text.matchAll(statement)].map(([, names = '', target, dynamic]) => {
    const to = target ?? dynamic ?? '';
    const path = to.startsWith('.') ? join(dirname(from), to) : to;
    return { from, to: path, isTypeOnly: isTypeOnly(names) };
  });
}

/** `type { A }`, or nothing but types between the braces. */
function isTypeOnly(names: string): boolean {
  if (/^type\s/.test(names)) return true;
  const inner = /^\{([^}]*)\}$/
    .exec(names)?.[1]
    ?.split(',')
    .filter((name) => name.trim() !== '');
  return inner !== undefined && inner.length > 0 && inner.every((name) => /^\s*type\s/.test(name));
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
}

const isIn = (folder: string, file: string): boolean => file.startsWith(`${folder}/`);
const isNamed = (name: string, file: string): boolean => basename(file) === `${name}.ts`;
const isPackage = (name: string, target: string): boolean => target === name || isIn(name, target);

/** Each finds the edges that must not be. */
const rules: Record<string, (edge: Edge) => boolean> = {
  'only agent/ imports the Agent SDK': ({ from, to }) =>
    isPackage('@anthropic-ai/claude-agent-sdk', to) && !isIn('agent', from),
  'only db/ imports pg': ({ from, to }) => isPackage('pg', to) && !isIn('db', from),
  'only queue/ imports pg-boss': ({ from, to }) => isPackage('pg-boss', to) && !isIn('queue', from),
  'only server.ts, routes.ts and http/ import the HTTP framework': ({ from, to }) =>
    /^(@fastify\/|fastify)/.test(to) &&
    from !== 'server.ts' &&
    !isNamed('routes', from) &&
    !isIn('http', from),
  'only server.ts imports a routes.ts': ({ from, to }) => isNamed('routes', to) && from !== 'server.ts',
  'a routes.ts goes through a service: it imports no store.ts and no table.ts': ({ from, to }) =>
    isNamed('routes', from) && (isNamed('store', to) || isNamed('table', to)),
  'a store.ts imports no service.ts': ({ from, to }) => isNamed('store', from) && isNamed('service', to),
  'a table.ts is imported only by the store.ts beside it and db/database.ts': ({ from, to }) =>
    isNamed('table', to) && from !== 'db/database.ts' && from !== join(dirname(to), 'store.ts'),
  'a table.ts imports types and nothing else': ({ from, isTypeOnly }) =>
    isNamed('table', from) && !isTypeOnly,
  'util/ imports nothing of the rest': ({ from, to }) =>
    isIn('util', from) && code.has(to) && !isIn('util', to),
  'nothing imports main.ts': ({ to }) => to === 'main.ts',
};

/** Each finds what must not stand in a file. */
const contentRules: Record<string, (file: string, text: string) => boolean> = {
  'only main.ts reads the environment, exits, and handles signals': (file, text) =>
    file !== 'main.ts' && /\bprocess\.(env|exit|exitCode|on|once)\b/.test(text),
  'only db/ begins transactions: by inTransaction, which repeats what has lost against another one': (
    file,
    text,
  ) => !isIn('db', file) && /\.transaction\(\)/.test(text),
  'nothing is exported as default': (_file, text) =>
    /^export\s+(default\b|\{[^}]*\bas default\b)/m.test(text),
  'nothing is exported as *': (_file, text) => /^export\s+\*/m.test(text),
};

describe('the source', () => {
  it('is read: imports of files that are there', () => {
    assert.ok(edges.some(({ from, to }) => from === 'main.ts' && to === 'serve.ts'));
    const local = edges.filter(({ to }) => to.endsWith('.ts'));
    assert.deepEqual(
      local.filter(({ to }) => !code.has(to)),
      [],
    );
  });

  for (const [title, isBroken] of Object.entries(rules)) {
    it(title, () => {
      const broken = edges.filter(isBroken).map(({ from, to }) => `${from} → ${to}`);
      assert.deepEqual(broken, []);
    });
  }

  for (const [title, isBroken] of Object.entries(contentRules)) {
    it(title, () => {
      const broken = [...code].filter(([file, text]) => isBroken(file, text)).map(([file]) => file);
      assert.deepEqual(broken, []);
    });
  }

  it('has no cycles of imports, types aside', () => {
    assert.deepEqual(findCycles(), []);
  });
});

function findCycles(): string[] {
  const targets = Map.groupBy(
    edges.filter(({ to, isTypeOnly }) => code.has(to) && !isTypeOnly),
    ({ from }) => from,
  );
  const cycles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) cycles.push([...path.slice(start), file].join(' → '));
    if (start >= 0 || done.has(file)) return;
    for (const { to } of targets.get(file) ?? []) visit(to, [...path, file]);
    done.add(file);
  };
  for (const file of code.keys()) visit(file, []);
  return cycles;
}
