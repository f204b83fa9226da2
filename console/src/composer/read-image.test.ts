import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hasRoom, MAX_IMAGE_BYTES, MAX_IMAGES, MAX_TOTAL_BYTES, readImage } from './read-image.ts';

const png = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const fileOf = (head: readonly number[], size = 64): Blob => {
  const bytes = new Uint8Array(size);
  bytes.set(head);
  return new Blob([bytes], { type: 'image/svg+xml' });
};

describe('a file that somebody gives', () => {
  it('is an image by its first bytes, whatever it says', async () => {
    const image = await readImage(fileOf(png));
    assert.equal(image?.type, 'image/png');
    assert.equal(Buffer.from(image?.base64 ?? '', 'base64').length, 64);
  });

  it('is none without them', async () => {
    assert.equal(await readImage(new Blob(['<svg onload="alert(1)"></svg>'], { type: 'image/png' })), null);
    assert.equal(await readImage(new Blob([])), null);
  });

  it('is none where the API takes no image so large', async () => {
    assert.equal((await readImage(fileOf(png, MAX_IMAGE_BYTES)))?.type, 'image/png');
    assert.equal(await readImage(fileOf(png, MAX_IMAGE_BYTES + 1)), null);
  });

  it('finds room beside others up to what a request takes', () => {
    assert.equal(
      hasRoom(
        Array.from({ length: MAX_IMAGES }, () => ({ bytes: 1 })),
        1,
      ),
      false,
    );
    assert.equal(hasRoom([{ bytes: MAX_TOTAL_BYTES - 1 }], 1), true);
    assert.equal(hasRoom([{ bytes: MAX_TOTAL_BYTES }], 1), false);
  });
});
