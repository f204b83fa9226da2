/*
 * The program that the remover starts: empties the directory that its argument names, tells on its output what came of
 * each entry, and stops when its input ends, for then its server has.
 */
import { setPriority } from 'node:os';
import { emptyDirectory } from './empty-directory.ts';

const LEAST_URGENT = 19;

const stop = new AbortController();
process.stdin.on('end', () => stop.abort()).resume();
setPriority(LEAST_URGENT);
for await (const removal of emptyDirectory(process.argv[2] ?? '', stop.signal)) {
  process.stdout.write(`${JSON.stringify(removal)}\n`);
}
process.stdin.destroy();
