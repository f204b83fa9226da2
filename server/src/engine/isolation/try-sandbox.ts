import { once } from 'node:events';
import { mkdir, realpath, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { errorMessage } from '../../ground/errors.ts';
import { MissingProgramError } from '../../ground/util/find-program.ts';
import { HeldDirectory } from '../../ground/util/held-directory.ts';
import type { AgentChild, IsolationDriver, SelfTest } from './driver.ts';

/** Run inside, by the program that runs this server: says what it finds there. */
const PROBE = `
const { readFileSync, existsSync, readdirSync } = require('node:fs');
const status = readFileSync('/proc/self/status', 'utf8');
const field = (name) => new RegExp('^' + name + ':\\\\s*(\\\\S+)', 'm').exec(status)?.[1] ?? '';
const socket = require('node:net').connect(process.argv[1]);
let answer = '';
socket.setEncoding('utf8').on('data', (text) => { answer += text; });
socket.on('error', (error) => { answer = String(error); });
socket.on('close', () => console.log(JSON.stringify({
  answer,
  seccomp: field('Seccomp'),
  capabilities: field('CapEff'),
  noNewPrivileges: field('NoNewPrivs'),
  processes: readdirSync('/proc').filter((name) => /^\\d+$/.test(name)).length,
  interfaces: readFileSync('/proc/net/dev', 'utf8').split('\\n').filter((line) => line.includes(':')).length,
  seesServer: existsSync(process.argv[2]),
})));
`;

const findings = z.object({
  answer: z.string(),
  seccomp: z.string(),
  capabilities: z.string(),
  noNewPrivileges: z.string(),
  processes: z.number(),
  interfaces: z.number(),
  seesServer: z.boolean(),
});
type Findings = z.infer<typeof findings>;

const PATIENCE_MS = 15_000;
const PONG = 'pong';

/** The first process inside, the program that sets the last limits and then becomes the probe. */
const MOST_PROCESSES = 2;

/** What a filter is in force as, in `/proc/self/status`. */
const FILTERED = '2';

type Tested = Pick<IsolationDriver, 'prepare'> & { temporaryDirectory: string };

/** Starts a sandbox as agents get it, and looks around in it. Never throws. */
export async function testSandbox(driver: Tested): Promise<SelfTest> {
  const root = join(driver.temporaryDirectory, 'self-test');
  try {
    const found = await probe(driver, root);
    const problems = problemsOf(found);
    if (problems.length > 0) return failed(problems, null);
    return { ok: true, detail: ['a probe inside saw no more than it should'], hint: null };
  } catch (error) {
    return explainFailure(error);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function probe(driver: Tested, root: string): Promise<Findings> {
  const [home, temporary, own] = [join(root, 'home'), join(root, 'tmp'), join(root, 'workspace')];
  // At the same path inside, as a transcript that is resumed.
  const unpacked = join(root, 'unpacked');
  for (const path of [home, temporary, own, unpacked]) await mkdir(path, { recursive: true, mode: 0o711 });
  await using workspace = await HeldDirectory.open(await realpath(own));
  // Beside what is shared, in the server's directory.
  const hidden = join(root, 'hidden');
  await writeFile(hidden, '');
  const rest = { isManaged: true, additionalDirectories: [], egress: null, extraCaCerts: null };
  const sandbox = await driver.prepare({ home, temporary, workspace, ...rest });
  const { gatewaySocket } = sandbox.view;
  if (gatewaySocket === null || sandbox.socketPath === null) throw new Error('the driver has no socket');
  await using _gateway = await answering(sandbox.socketPath);
  const child = sandbox.spawn({
    command: process.execPath,
    args: ['-e', PROBE, gatewaySocket, hidden],
    cwd: sandbox.view.workspace,
    env: { HOME: sandbox.view.home },
    mark: 'self-test',
    unpacked,
  });
  return await judge(child);
}

/** Answers each connection with a word, as the gateway would with more. */
async function answering(path: string): Promise<AsyncDisposable> {
  const server = createServer((connection) => connection.on('error', () => {}).end(PONG));
  server.listen({ path, readableAll: true, writableAll: true });
  await once(server, 'listening');
  return {
    [Symbol.asyncDispose]: async () => await new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

async function judge(child: AgentChild): Promise<Findings> {
  const timer = setTimeout(() => void child.destroy(), PATIENCE_MS);
  try {
    const [output, { code, signal }] = await Promise.all([text(child.stdout), child.exited]);
    if (code === 0) return findings.parse(JSON.parse(output));
    throw new Error(child.stderrTail() || `the probe ended with ${signal ?? code}`);
  } finally {
    clearTimeout(timer);
    await child.destroy();
  }
}

function problemsOf(found: Findings): string[] {
  const problems: [boolean, string][] = [
    [found.answer !== PONG, `the gateway cannot be reached: ${found.answer || 'no answer'}`],
    [found.seccomp !== FILTERED, 'the system call filter is not in force'],
    [!/^0+$/.test(found.capabilities), `it has capabilities: ${found.capabilities}`],
    [found.noNewPrivileges !== '1', 'it could gain privileges'],
    [found.processes > MOST_PROCESSES, `it sees ${found.processes} processes`],
    [found.interfaces > 1, 'it has a network'],
    [found.seesServer, "it sees the server's data directory"],
  ];
  return problems.flatMap(([isSo, problem]) => (isSo ? [problem] : []));
}

function failed(detail: string[], hint: string | null): SelfTest {
  return { ok: false, detail, hint };
}

/** What bubblewrap says, and what mends it. */
const remedies: [said: RegExp, hint: string][] = [
  [
    /creating new namespace|setting up uid map|no permissions to create/i,
    'user namespaces are refused: allow them (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0; in a container its seccomp and AppArmor profile)',
  ],
  [/mount proc/i, 'the container hides parts of /proc: run it with --security-opt systempaths=unconfined'],
  [
    /unknown option/i,
    'bubblewrap is needed with the options --bind-fd and --disable-userns: 0.10 or newer, or the 0.8 of Debian 12 with its updates (bwrap --help lists what it has)',
  ],
  [
    /permission denied|find source path/i,
    'the directories on the way to it must be open to other users (chmod o+x), or the server must be installed and have its data elsewhere',
  ],
];

const packages: Record<string, string> = {
  bwrap: 'bubblewrap',
  setpriv: 'util-linux',
  prlimit: 'util-linux',
};

/** Why there are no sandboxes here, and what helps. */
export function explainFailure(error: unknown): SelfTest {
  const message = errorMessage(error);
  if (error instanceof MissingProgramError) {
    return failed([message], `install ${packages[error.program] ?? error.program}`);
  }
  return failed([message], remedies.find(([said]) => said.test(message))?.[1] ?? null);
}
