import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** A process that lets `x` be a directory and a link in turn, as fast as it can, until it is ended. */
export function startSwapping(directory: string): AsyncDisposable {
  const program = `
    const { renameSync, rmSync } = require('node:fs');
    const end = Date.now() + 60_000;
    const attempt = (work) => {
      try {
        work();
        return true;
      } catch {
        return false;
      }
    };
    // A write may make a directory of the name in the moment when there is none.
    const move = (from, to) => {
      while (!attempt(() => renameSync(from, to)) && Date.now() < end)
        attempt(() => rmSync(to, { recursive: true, force: true }));
    };
    while (Date.now() < end) {
      move('x', 'parked');
      move('link', 'x');
      move('x', 'link');
      move('parked', 'x');
    }`;
  const child = spawn(process.execPath, ['-e', program], { cwd: directory, stdio: 'inherit' });
  const exited = once(child, 'exit');
  return {
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
