import type { GitProcess, GitRepository } from './git.ts';

const NEWLINE = 0x0a;
const BRANCH = 'refs/greenroom/head';

export type FileMode = '100644' | '100755' | '120000';

export type SnapshotFile = { path: string; mode: FileMode; hash: string };

/** Brings new contents into the repository and makes one commit of them; starts git with the first content. */
export class SnapshotImport {
  readonly #repository: GitRepository;
  #git: GitProcess | null = null;
  #storedBytes = 0;

  constructor(repository: GitRepository) {
    this.#repository = repository;
  }

  get storedBytes(): number {
    return this.#storedBytes;
  }

  async addBlob(content: Buffer): Promise<void> {
    const git = this.#start();
    await git.write(`blob\ndata ${content.length}\n`);
    await git.write(content);
    await git.write('\n');
    this.#storedBytes += content.length;
  }

  /** @returns the commit's hash */
  async commit(change: {
    parent: string | null;
    /** Otherwise the files are listed in full, whatever the parent has. */
    isComplete: boolean;
    removed: Iterable<string>;
    changed: Iterable<SnapshotFile>;
    at: Date;
  }): Promise<string> {
    const git = this.#start();
    const seconds = Math.floor(change.at.getTime() / 1_000);
    await git.write(`commit ${BRANCH}\nmark :1\ncommitter Greenroom <> ${seconds} +0000\ndata 0\n`);
    if (change.parent !== null) await git.write(`from ${change.parent}\n`);
    if (!change.isComplete) await git.write('deleteall\n');
    for (const path of change.removed) await git.write(`D ${quote(path)}\n`);
    for (const { path, mode, hash } of change.changed) await git.write(`M ${mode} ${hash} ${quote(path)}\n`);
    await git.write('\nget-mark :1\ndone\n');
    const hash = (await git.read().until(NEWLINE)).toString();
    git.stdin.end();
    await git.exited;
    return hash;
  }

  #start(): GitProcess {
    this.#git ??= this.#repository.start([
      'fast-import',
      '--quiet',
      '--done',
      '--force',
      '--date-format=raw',
    ]);
    return this.#git;
  }

  [Symbol.dispose](): void {
    this.#git?.[Symbol.dispose]();
  }
}

/** C-style, as git reads paths: a quote or a newline in a name must not end it. */
function quote(path: string): string {
  return `"${path.replaceAll(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"`;
}
