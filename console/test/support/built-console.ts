import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const consoleDirectory = fileURLToPath(new URL('../..', import.meta.url));
const SOURCES = ['src', 'public', 'build', 'index.html', 'vite.config.ts', '../client/src'];

/** Throws where the build is older than what it is made of: a test of it would be a test of yesterday's console. */
export async function requireFreshBuild(): Promise<void> {
  const builtAt = await stat(join(consoleDirectory, 'dist/index.html')).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
  for (const source of SOURCES) {
    const changedAt = await newestChange(join(consoleDirectory, source));
    if (changedAt > builtAt) {
      throw new Error(`the console was not built since ${source} changed: npm run build --workspace console`);
    }
  }
}

async function newestChange(path: string): Promise<number> {
  const { mtimeMs } = await stat(path);
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile());
  const times = await Promise.all(
    files.map(async (file) => (await stat(join(file.parentPath, file.name))).mtimeMs),
  );
  return Math.max(mtimeMs, ...times);
}
