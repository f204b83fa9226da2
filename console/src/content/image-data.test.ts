import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { imageSource, imageTypeOf, toImage } from './image-data.ts';

const base64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64');

describe('data of an image', () => {
  it('is known by its first bytes', () => {
    assert.equal(imageTypeOf(base64('\x89PNG\r\n\x1a\n0000')), 'image/png');
    assert.equal(imageTypeOf(base64('\xff\xd8\xff\xe0\0\0JFIF..')), 'image/jpeg');
    assert.equal(imageTypeOf(base64('GIF89a......')), 'image/gif');
    assert.equal(imageTypeOf(base64('RIFF0000WEBPVP8 ')), 'image/webp');
  });

  it('is none where it only says so', () => {
    for (const text of [
      '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
      '<html><script>alert(1)</script></html>',
      '%PDF-1.7 ........',
      'RIFF0000WAVEfmt ',
      'GIF',
      '',
    ]) {
      assert.equal(imageTypeOf(base64(text)), null, text);
    }
    assert.equal(imageTypeOf('not base64 at all!!'), null);
    assert.equal(imageTypeOf('A'.repeat(15_000_000)), null);
  });

  it('is a blob of what its bytes are, or none', () => {
    const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
    const png = toImage(bytes('\x89PNG\r\n\x1a\n0000rest'));
    assert.deepEqual([png?.type, png?.size], ['image/png', 16]);
    for (const text of ['<svg xmlns="http://www.w3.org/2000/svg"/>', 'GIF', '']) {
      assert.equal(toImage(bytes(text)), null, text);
    }
  });

  it('makes an address of its own type, with nothing behind its data', () => {
    const png = base64('\x89PNG\r\n\x1a\n0000');
    assert.equal(imageSource(png), `data:image/png;base64,${png}`);
    assert.equal(imageSource(`${png.slice(0, 8)}\n${png.slice(8)}`), `data:image/png;base64,${png}`);
    assert.equal(imageSource(`${png}" onerror="alert(1)`), null);
    assert.equal(imageSource(`${png},evil`), null);
  });
});
