import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ByteReader } from './byte-reader.ts';
import type { GitProcess, GitRepository } from './git.ts';

const NUL = 0;

/**
 * What the `.gitignore` files of a workspace leave out. Git decides, in a mirror that holds nothing but these files
 * and empty directories: not in the workspace, which may change under it, and not by regular expressions of ours, which
 * a pattern could keep busy for ever.
 */
export class IgnoreRules {
  readonly #repository: GitRepository;
  readonly #mirror: string;
  #hasRules: boolean;
  #git: { process: GitProcess; answers: ByteReader } | null = null;

  private constructor(repository: GitRepository, mirror: string) {
    this.#repository = repository;
    this.#mirror = mirror;
    this.#hasRules = existsSync(join(repository.directory, 'info', 'exclude'));
  }

  static async create(repository: GitRepository): Promise<IgnoreRules> {
    const mirror = join(repository.directory, 'mirror');
    await rm(mirror, { recursive: true, force: true });
    return new IgnoreRules(repository, mirror);
  }

  /** Must be called before anything in the directory, or below it, is asked for. */
  async add(directory: string, rules: Buffer): Promise<void> {
    const path = join(this.#mirror, directory);
    await mkdir(path, { recursive: true });
    await writeFile(join(path, '.gitignore'), rules);
    this.#hasRules = true;
  }

  /** @returns those of the paths that are left out */
  async findIgnored(entries: readonly { path: string; isDirectory: boolean }[]): Promise<Set<string>> {
    const ignored = new Set<string>();
    if (!this.#hasRules || entries.length === 0) return ignored;
    for (const { path, isDirectory } of entries) {
      // A pattern may be meant for directories only; git looks what it is.
      if (isDirectory) await mkdir(join(this.#mirror, path), { recursive: true });
    }
    await mkdir(this.#mirror, { recursive: true });
    const { process, answers } = this.#start();
    // With `./` before it no name is taken for a pattern.
    const asked = process.write(entries.map(({ path }) => `./${path}\0`).join(''));
    for (let count = 0; count < entries.length; count++) {
      await answers.until(NUL); // the file with the rule
      await answers.until(NUL); // its line
      const pattern = await answers.until(NUL);
      const path = await answers.until(NUL);
      if (pattern.length > 0 && !pattern.toString().startsWith('!')) ignored.add(path.toString().slice(2));
    }
    await asked;
    return ignored;
  }

  #start(): { process: GitProcess; answers: ByteReader } {
    if (this.#git !== null) return this.#git;
    const process = this.#repository.start(
      ['-c', 'core.bare=false', 'check-ignore', '--stdin', '-z', '--verbose', '--non-matching', '--no-index'],
      { env: { GIT_WORK_TREE: this.#mirror } },
    );
    this.#git = { process, answers: process.read() };
    return this.#git;
  }

  [Symbol.dispose](): void {
    this.#git?.process[Symbol.dispose]();
  }
}
