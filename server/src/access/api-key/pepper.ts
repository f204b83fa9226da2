import { createHmac, randomBytes } from 'node:crypto';
import { chownSync, linkSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartupError } from '../../ground/errors.ts';

const FILE_FORM = /^[A-Za-z0-9_-]{43}$/;

/**
 * The server's part of every hash: who reads the database alone can try no secret against it. Configured, or a file in
 * the data directory that is made with the first key.
 */
export class Pepper {
  readonly #directory: string;
  readonly #path: string;
  readonly #configured: string | null;
  #found: Buffer | null;

  constructor({ configured, directory }: { configured: string | null; directory: string }) {
    this.#directory = directory;
    this.#path = join(directory, 'key-pepper');
    this.#configured = configured;
    this.#found = configured === null ? null : Buffer.from(configured);
  }

  /** For messages. */
  get source(): string {
    return this.#configured === null ? this.#path : 'GREENROOM_KEY_PEPPER';
  }

  /** Null while there is none. */
  find(): Buffer | null {
    this.#found ??= this.#read();
    return this.#found;
  }

  /** Made now if there is none. */
  findOrMake(): Buffer {
    const found = this.find();
    if (found !== null) return found;
    // Linked when it is whole: another process that makes one at the same time gets this one, or this one that.
    const draft = `${this.#path}.${process.pid}.new`;
    writeFileSync(draft, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flush: true });
    try {
      // A command that root runs beside a server which is another user's.
      const { uid, gid } = statSync(this.#directory);
      if (process.getuid?.() === 0) chownSync(draft, uid, gid);
      linkSync(draft, this.#path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      rmSync(draft);
    }
    const made = this.find();
    if (made === null) throw new Error(`${this.#path} is gone again`);
    return made;
  }

  #read(): Buffer | null {
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8').trim();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
    if (FILE_FORM.test(text)) return Buffer.from(text);
    throw new StartupError(`${this.#path} is damaged: it must hold the 43 characters that were made for it`, {
      hint: 'restore it from a backup; without it no API key can be checked',
    });
  }
}

/** Tells peppers apart and says nothing of them. */
export function fingerprintOf(pepper: Buffer): Buffer {
  return createHmac('sha256', pepper).update('greenroom key pepper').digest();
}
