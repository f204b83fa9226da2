import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

/** The project that the agents of the pictures work in: a small shop whose checkout forgets to wait for its stock. */
const files: Record<string, string> = {
  'package.json': `{
  "name": "shop",
  "type": "module",
  "scripts": { "test": "FORCE_COLOR=1 node --test --test-reporter=spec" }
}
`,
  'README.md': '# Shop\n\nOrders, stock and discounts of the shop.\n',
  'src/checkout.js': `import { reserve } from './stock.js';

/** Reserves what is in the cart, and confirms the order. */
export async function checkout(cart) {
  const reservations = [];
  for (const line of cart.lines) {
    reservations.push(reserve(line.sku, line.quantity));
  }
  return { status: 'confirmed', reservations };
}
`,
  'src/stock.js': `const stock = new Map([['mug', 12], ['shirt', 3]]);

export async function reserve(sku, quantity) {
  const left = (stock.get(sku) ?? 0) - quantity;
  if (left < 0) throw new Error('not enough of ' + sku);
  stock.set(sku, left);
  return { sku, quantity };
}
`,
  'src/discount.js': `export function discount(total, code) {
  return code === 'SPRING' ? total * 0.9 : total;
}
`,
  'test/checkout.test.js': `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkout } from '../src/checkout.js';

test('reserves every line of the cart', async () => {
  const order = await checkout({ lines: [{ sku: 'mug', quantity: 2 }] });
  assert.deepEqual(order.reservations, [{ sku: 'mug', quantity: 2 }]);
});

test('confirms an empty cart', async () => {
  assert.equal((await checkout({ lines: [] })).status, 'confirmed');
});
`,
};

export async function makeShop(directory: string): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const path = join(directory, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }
  const git = async (...args: string[]): Promise<void> => {
    const author = ['-c', 'user.name=Ada', '-c', 'user.email=ada@shop.example'];
    await promisify(execFile)('git', [...author, ...args], { cwd: directory });
  };
  await git('init', '--quiet', '--initial-branch=main');
  await git('add', '.');
  await git('commit', '--quiet', '--message', 'The shop');
}
