import type { FastifyInstance } from 'fastify';
import { AppError } from '../errors.ts';

/** Nothing that is stored or looked for can hold a NUL: PostgreSQL's text has none. Paths of files say so themselves. */
export function installNulGuard(app: FastifyInstance): void {
  app.addHook('onRequest', async ({ url }) => {
    const [path = '', query = ''] = url.split('?', 2);
    if (query.includes('%00') || (path.includes('%00') && !path.includes('/files/'))) {
      throw new AppError('malformed_request', 'The URL has a NUL character (%00).');
    }
  });
}
