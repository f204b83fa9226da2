import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Console, startConsole } from './support/console.ts';

const png =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

describe('images of a prompt', () => {
  let console: Console;
  before(async () => {
    console = await startConsole();
  });
  after(async () => await console[Symbol.asyncDispose]());

  it('are in the transcript, each read by itself, and open large', async () => {
    const source = { type: 'base64', media_type: 'image/png', data: png };
    const image = { type: 'image', source };
    const id = await console.server.execute({
      content: [{ type: 'text', text: 'What are these?' }, image, image],
    });
    await console.server.ended(id);
    await using watched = await console.open(`/sessions/${id}`);
    const { page } = watched;
    const transcript = page.getByRole('log');
    for (const name of ['Image 1 of the prompt', 'Image 2 of the prompt']) {
      const shown = transcript.getByRole('img', { name });
      await shown.waitFor();
      const width = await shown.evaluate(async (element) => {
        const picture = element as HTMLImageElement;
        await picture.decode();
        return picture.naturalWidth;
      });
      assert.equal(width, 1);
    }
    await transcript.getByRole('button', { name: 'Image 2 of the prompt' }).click();
    await page.getByRole('dialog').getByRole('img', { name: 'Image 2 of the prompt' }).waitFor();
  });
});
