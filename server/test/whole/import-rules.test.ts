import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path/posix';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

/*
 * What may import what, read from the source text. Files are named by their path under server/src, or console/src; a failing
 * rule names the edges that break it.
 */

type Edge = { from: string; to: string; isTypeOnly: boolean };

const statement = /^(?:import|export)\s+(?:([^'";]*?)\s*from\s*)?'([^']+)'|\bimport\('([^']+)'\)/gm;

const code = readCode('../../src/');
const edges = [...code].flatMap(([from, text]) => readEdges(from, text));
const page = readCode('../../../console/src/');
const edgesOfPage = [...page].flatMap(([from, text]) => readEdges(from, text));

function readCode(path: string): Map<string, string> {
  const root = fileURLToPath(new URL(path, import.meta.url));
  const files = globSync('**/*.{ts,tsx}', { cwd: root }).filter((file) => !/\.test\.tsx?$/.test(file));
  return new Map(files.map((file) => [file, withoutComments(readFileSync(join(root, file), 'utf8'))]));
}

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
const isStore = (file: string): boolean => /^(.+-)?store\.ts$/.test(basename(file));
const isPackage = (name: string, target: string): boolean => target === name || isIn(name, target);

/**
 * The wings of the house, from the ground up. Each may know those of the rows before its own; beside each other they know
 * nothing. At the top stands what puts them together.
 */
const wings = [
  ['ground'],
  ['session'],
  ['workspace', 'stream'],
  ['engine'],
  ['access'],
  ['context.ts'],
  ['face', 'command'],
  ['serve.ts'],
  ['main.ts'],
];
const wingOf = (file: string): string => file.split('/')[0] ?? file;
const rowOf = (file: string): number => wings.findIndex((row) => row.includes(wingOf(file)));
/** What names a type of the whole takes nothing from there. */
const isOfWhole = ({ to, isTypeOnly }: Edge): boolean =>
  isTypeOnly && (to === 'context.ts' || isNamed('table', to));

const mayUseFramework = (file: string): boolean =>
  file === 'face/server.ts' ||
  isNamed('routes', file) ||
  isIn('ground/http', file) ||
  isIn('face/gate', file);

/** Each finds the edges that must not be. */
const rules: Record<string, (edge: Edge) => boolean> = {
  'a wing knows those below it, and none beside or above it': (edge) => {
    const { from, to } = edge;
    if (!code.has(to) || wingOf(from) === wingOf(to) || isOfWhole(edge)) return false;
    return rowOf(to) >= rowOf(from);
  },
  'only engine/agent/ imports the Agent SDK': ({ from, to }) =>
    isPackage('@anthropic-ai/claude-agent-sdk', to) && !isIn('engine/agent', from),
  'only ground/db/ and ground/postgres/ import pg': ({ from, to }) =>
    isPackage('pg', to) && !isIn('ground/db', from) && !isIn('ground/postgres', from),
  'only ground/queue/ imports pg-boss': ({ from, to }) =>
    isPackage('pg-boss', to) && !isIn('ground/queue', from),
  'only face/server.ts, routes.ts, ground/http/ and face/gate/ import the HTTP framework': ({ from, to }) =>
    /^(@fastify\/|fastify)/.test(to) && !mayUseFramework(from),
  'only face/server.ts imports a routes.ts': ({ from, to }) =>
    isNamed('routes', to) && from !== 'face/server.ts',
  'a routes.ts goes through a service: it imports no store and no table.ts': ({ from, to }) =>
    isNamed('routes', from) && (isStore(to) || isNamed('table', to)),
  'a store imports no service.ts': ({ from, to }) => isStore(from) && isNamed('service', to),
  'a table.ts is imported only by the store.ts beside it and the database': ({ from, to }) =>
    isNamed('table', to) && from !== 'ground/db/database.ts' && from !== join(dirname(to), 'store.ts'),
  'a table.ts imports types and nothing else': ({ from, isTypeOnly }) =>
    isNamed('table', from) && !isTypeOnly,
  'ground/util/ imports nothing of the rest': ({ from, to }) =>
    isIn('ground/util', from) && code.has(to) && !isIn('ground/util', to),
  'nothing imports main.ts': ({ to }) => to === 'main.ts',
};

/** Each finds what must not stand in a file. */
const contentRules: Record<string, (file: string, text: string) => boolean> = {
  'only main.ts reads the environment, exits, and handles signals': (file, text) =>
    file !== 'main.ts' && /\bprocess\.(env|exit|exitCode|on|once)\b/.test(text),
  'only ground/db/ begins transactions: by inTransaction, which repeats what has lost against another one': (
    file,
    text,
  ) => !isIn('ground/db', file) && /\.transaction\(\)/.test(text),
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

  it('stands in the wings', () => {
    assert.deepEqual(
      [...code.keys()].filter((file) => rowOf(file) < 0),
      [],
    );
  });

  it('has no cycles of imports, types aside', () => {
    const local = edges.filter(({ to, isTypeOnly }) => code.has(to) && !isTypeOnly);
    assert.deepEqual(findCycles(local), []);
  });

  it('has no cycles of folders, but in session/: that is one thing, changed under one lock', () => {
    const local = edges
      .filter((edge) => code.has(edge.to) && !isOfWhole(edge))
      .map(({ from, to }) => ({ from: roomOf(from), to: roomOf(to) }))
      .filter(({ from, to }) => from !== to);
    assert.deepEqual(findCycles(local), []);
  });
});

describe('the source of the page', () => {
  it('has no cycles of folders', () => {
    const local = edgesOfPage
      .filter(({ to }) => page.has(to))
      .map(({ from, to }) => ({ from: dirname(from), to: dirname(to) }))
      .filter(({ from, to }) => from !== to);
    assert.ok(local.length > 500);
    assert.deepEqual(findCycles(local), []);
  });
});

function roomOf(file: string): string {
  return isIn('session', file) ? 'session' : dirname(file);
}

function findCycles(edges: readonly Pick<Edge, 'from' | 'to'>[]): string[] {
  const targets = Map.groupBy(edges, ({ from }) => from);
  const cycles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) cycles.push([...path.slice(start), file].join(' → '));
    if (start >= 0 || done.has(file)) return;
    for (const { to } of targets.get(file) ?? []) visit(to, [...path, file]);
    done.add(file);
  };
  for (const file of targets.keys()) visit(file, []);
  return cycles;
}
