import { spawn } from 'node:child_process';
import type { AgentCommand, IsolationDriver, Sandbox, SandboxRequest } from './driver.ts';
import { SpawnedChild } from './spawned-child.ts';
import { killMarked, MARK_VARIABLE } from './stray-processes.ts';

/**
 * Runs beside the program and ends it when the server dies. It reads a pipe that only the server holds open: a line
 * means that the program ended by itself, end-of-file that the server is gone. The program gets SIGTERM first, since
 * it then ends the tools that it runs in process groups of their own. Where setpriv can do that, the kernel sends it
 * SIGTERM as well, should somebody have killed what waits.
 */
const WATCHED = `
( if IFS= read -r _ <&3; then exit 0; fi
  kill -TERM $$
  n=0
  while [ $n -lt 20 ] && kill -0 $$; do sleep 0.1; n=$((n + 1)); done
  kill -KILL -- -$$
) </dev/null >/dev/null 2>&1 &
exec 3<&-
if setpriv --pdeathsig TERM true 2>/dev/null; then exec setpriv --pdeathsig TERM "$@"; fi
exec "$@"
`;

/** A plain process, in a process group of its own: no confinement. */
export const noIsolation: IsolationDriver = {
  name: 'none',
  confines: false,
  warnings: [],
  prepare: async ({
    home,
    temporary,
    workspace: { path: workspace },
    extraCaCerts,
  }: SandboxRequest): Promise<Sandbox> => ({
    view: { home, temporary, workspace, gatewaySocket: null, proxyExceptions: null, extraCaCerts },
    warnings: [],
    socketPath: null,
    spawn: (command) => new PlainChild(command),
    release: () => {},
  }),
  selfTest: async () => ({ ok: true, detail: ['agents run without isolation'], hint: null }),
};

class PlainChild extends SpawnedChild {
  readonly #mark: string;

  constructor({ command, args, cwd, env, mark }: AgentCommand) {
    super(
      spawn('/bin/sh', ['-c', WATCHED, 'greenroom-agent', command, ...args], {
        cwd,
        env: { ...env, [MARK_VARIABLE]: mark },
        stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
        detached: true,
      }),
    );
    this.#mark = mark;
    const watcher = this.pipe(3);
    void this.exited.then(() => watcher.end('ended\n'));
  }

  async destroy(): Promise<void> {
    if (!this.hasExited) this.killGroup();
    await this.exited;
    await killMarked(this.#mark);
  }
}
