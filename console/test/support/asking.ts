import assert from 'node:assert/strict';
import type { Locator, Page } from 'playwright-core';
import type { Approval } from '../../../client/src/index.ts';
import type { TestServer } from '../../../server/test/support/harness.ts';

/** A session whose agent waits for a person. */
export async function asking(server: TestServer, prompt: string, options: object = {}): Promise<string> {
  const id = await server.execute({ prompt, approvals: 'ask', ...options });
  await server.event(id, (event) => event.kind === 'approval' && event.data.phase === 'requested');
  return id;
}

/** The first approval of the session that does not wait any more. */
export async function decided(server: TestServer, id: string): Promise<Approval> {
  const found = await server.event(
    id,
    (event) => event.kind === 'approval' && event.data.phase !== 'requested',
  );
  assert.equal(found.kind, 'approval');
  return found.data.approval;
}

/** What it waits for. */
export async function pendingOf(server: TestServer, id: string): Promise<Approval[]> {
  return await Array.fromAsync(server.client.approvals.list({ session_id: id, status: 'pending' }));
}

/** A button once it takes an answer: cards have stood still for a moment. Its key may stand on it. */
export async function armed(page: Page | Locator, name: string): Promise<Locator> {
  const button = page.getByRole('button', { name: new RegExp(`^${name}( ?[YN])?$`) });
  const ready = button.and(page.locator('[aria-disabled=false]'));
  await ready.waitFor();
  return ready;
}

/** As after a press beside everything. */
export async function dropFocus(page: Page): Promise<void> {
  await page.evaluate(() => document.activeElement instanceof HTMLElement && document.activeElement.blur());
}
