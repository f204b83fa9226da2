import { readFile } from 'node:fs/promises';
import { type Finding, ok, warn } from './finding.ts';

/** Whether a process may write into another's memory: what an agent can use against the first process of its sandbox. */
export async function checkProcessMemory(): Promise<Finding[]> {
  if (process.platform !== 'linux') return [];
  const scope = await readFile('/proc/sys/kernel/yama/ptrace_scope', 'utf8').catch(ifMissing);
  const commandLine = (await readFile('/proc/cmdline', 'utf8').catch(ifMissing)) ?? '';
  return [judgeProcessMemory({ scope: scope === null ? null : Number(scope), commandLine })];
}

function ifMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT' || error.code === 'EACCES') return null;
  throw error;
}

type Kernel = {
  /** `kernel.yama.ptrace_scope`; null where the kernel has no Yama. */
  scope: number | null;
  /** Of the kernel: the one place where `proc_mem.force_override` shows. */
  commandLine: string;
};

/** Exported for its test. */
export function judgeProcessMemory({ scope, commandLine }: Kernel): Finding {
  const what = 'memory access';
  if (scope !== null && scope > 0)
    return ok(what, `closed between processes (kernel.yama.ptrace_scope=${scope})`);
  const override = /(?:^|\s)proc_mem\.force_override=(ptrace|never)(?:\s|$)/.exec(commandLine)?.[1];
  if (override !== undefined)
    return ok(what, `processes cannot write into each other's code (proc_mem.force_override=${override})`);
  const consequence = 'an agent can take over the first process of its sandbox, though no more than that';
  if (scope === 0) return warn(what, consequence, 'set kernel.yama.ptrace_scope=1 (in /etc/sysctl.d)');
  return warn(
    what,
    `${consequence}: this kernel has no Yama`,
    'use one that has, with kernel.yama.ptrace_scope=1, or start Linux 6.12 or newer with proc_mem.force_override=never',
  );
}
