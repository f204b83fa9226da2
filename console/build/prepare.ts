import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';

/*
 * Builds the console when the project is installed. An install without development packages has nothing to build with: it
 * says so, and the server says at `/console/` what to do.
 */

function isInstalled(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch {
    return false;
  }
}

if (isInstalled('vite')) {
  const { status } = spawnSync('npm', ['run', 'build', '--workspace', 'console'], { stdio: 'inherit' });
  process.exitCode = status ?? 1;
} else {
  process.stdout.write('The console is not built: that needs the development packages.\n');
}
