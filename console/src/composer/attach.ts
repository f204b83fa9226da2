import { GreenroomError } from '@greenroom/client';
import { client } from '../api/client.ts';
import { queryClient } from '../api/query-client.ts';
import { randomKey } from '../util/random-key.ts';
import { Store } from '../util/store.ts';
import { changeDraft, drafts } from './drafts.ts';
import { numberedName, safeFileName } from './file-name.ts';
import { keepImage } from './image-store.ts';
import { appendMention } from './mention.ts';
import { hasRoom, readImage } from './read-image.ts';

/*
 * Files that are given to a message: images become a part of it, others are put into the workspace and named in the text.
 */

/** A file on its way into the workspace; with an error it did not get there. */
export type Upload = { id: string; sessionId: string; file: File; error: unknown };

export const uploads = new Store<readonly Upload[]>([]);

const DIRECTORY = 'uploads';
const MAX_NUMBER = 100;

export async function attach(sessionId: string, files: readonly File[]): Promise<void> {
  const others: File[] = [];
  for (const file of files) {
    const image = await readImage(file).catch(() => null);
    const { images } = drafts.get(sessionId);
    if (image === null || !hasRoom(images, file.size)) {
      others.push(file);
      continue;
    }
    const id = randomKey();
    keepImage(id, image.base64);
    const added = { id, name: file.name, type: image.type, bytes: file.size };
    changeDraft(sessionId, { images: [...images, added] });
  }
  // One after the other: the text names them in the order in which they were given.
  for (const file of others) await upload(sessionId, file);
}

export async function upload(sessionId: string, file: File): Promise<void> {
  const entry: Upload = { id: randomKey(), sessionId, file, error: null };
  uploads.update((list) => [...list, entry]);
  try {
    const path = await write(sessionId, file);
    dropUpload(entry.id);
    changeDraft(sessionId, { text: appendMention(drafts.get(sessionId).text, path) });
    await queryClient.invalidateQueries({ queryKey: ['files', sessionId] });
  } catch (error) {
    uploads.update((list) => list.map((other) => (other.id === entry.id ? { ...other, error } : other)));
  }
}

export function dropUpload(id: string): void {
  uploads.update((list) => list.filter((other) => other.id !== id));
}

/** Never over a file that is there. */
async function write(sessionId: string, file: File): Promise<string> {
  const name = safeFileName(file.name);
  for (let number = 1; ; number++) {
    const path = `${DIRECTORY}/${numberedName(name, number)}`;
    try {
      await client.sessions.files.write(sessionId, path, file, { ifMissing: true });
      return path;
    } catch (error) {
      const isTaken = error instanceof GreenroomError && error.code === 'precondition_failed';
      if (!isTaken || number === MAX_NUMBER) throw error;
    }
  }
}
