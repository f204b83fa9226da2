import { hasApiKeys } from '../access/api-key/store.ts';
import { recordCommand } from '../access/audit/service.ts';
import { createCode } from '../access/sign-in/service.ts';
import { signInLink } from '../access/sign-in/sign-in.ts';
import type { Config } from '../ground/config/config.ts';
import { findHolder } from '../ground/data-directory.ts';
import { StartupError } from '../ground/errors.ts';
import type { Logger } from '../ground/log.ts';
import { openOperatorDatabase } from './operator-database.ts';

/** The address of a server for whoever sits at its machine. */
export function localUrl(url: string): string {
  return url.replace('0.0.0.0', '127.0.0.1').replace('[::]', '[::1]');
}

/**
 * A link that signs the operator in, once, within 15 minutes, at any server on the same database.
 *
 * @param url where the browser reaches it; without one, where the server that runs on the data directory listens
 */
export async function createSignInLink(
  { config, logger }: { config: Config; logger: Logger },
  url: string | undefined,
): Promise<string> {
  const baseUrl = url === undefined ? findLocalUrl(config) : parseUrl(url);
  await using database = await openOperatorDatabase(config, logger);
  const { db } = database;
  if (!(await hasApiKeys(db))) {
    throw new StartupError('there are no API keys, and so nothing to sign in with', {
      hint: `where no key is needed, ${baseUrl}/console/ opens without`,
    });
  }
  const code = await createCode({ db }, null);
  await recordCommand(db, { action: 'sign_in.link', actor: 'greenroom sign-in-link', key: null });
  return signInLink(baseUrl, code);
}

function findLocalUrl({ dataDir }: Config): string {
  const url = findHolder(dataDir)?.url ?? null;
  if (url !== null) return localUrl(url);
  throw new StartupError(`no server runs on the data directory ${dataDir}`, {
    hint: 'start it, or say with --url where the browser reaches one that shares its database',
  });
}

function parseUrl(url: string): string {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed !== null && /^https?:$/.test(parsed.protocol))
    return (parsed.origin + parsed.pathname).replace(/\/+$/, '');
  throw new StartupError('--url is not valid: expected an http:// or https:// URL');
}
