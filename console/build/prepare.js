import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';

/*
 * Builds the console when the project is installed. JavaScript, for the Node.js of the machine: a trial run of the install
 * comes by here before there is any other. An install without development packages has nothing to build with: it says so,
 * and the server says at `/console/` what to do.
 */

/** @param {string} name */
function isInstalled(name) {
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
