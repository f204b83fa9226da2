import { createHash } from 'node:crypto';

const mark = 'demo-model:';

/** Says of a thought that the demo model had it, word for word. */
export function signThought(thinking: string): string {
  const hash = createHash('sha256').update(mark).update(thinking).digest('hex');
  return Buffer.from(mark + hash).toString('base64');
}

/** Whether a signature of the demo model stands under another thought. What another model signed is not judged. */
export function isForged(thinking: string, signature: string): boolean {
  const isOurs = Buffer.from(signature.slice(0, 200), 'base64').toString().startsWith(mark);
  return isOurs && signature !== signThought(thinking);
}
