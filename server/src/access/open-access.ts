import { type Config, isLocalOnly } from '../ground/config/config.ts';
import type { DatabaseClient } from '../ground/db/client.ts';
import type { Logger } from '../ground/log.ts';
import type { OpenedDatabase } from '../ground/postgres/open-database.ts';
import type { EventBus } from '../session/event/bus.ts';
import { KeyRing } from './api-key/key-ring.ts';
import { Pepper } from './api-key/pepper.ts';
import type { ApiKeyServices } from './api-key/service.ts';
import { SignInRing } from './sign-in/ring.ts';
import { findInstallation } from './sign-in/store.ts';

export type OpenedAccess = {
  keys: KeyRing;
  apiKeys: ApiKeyServices;
  signIns: SignInRing;
  installation: string;
};

type Opening = {
  opened: Pick<OpenedDatabase, 'waited'> & { database: DatabaseClient };
  /** Where a pepper is made that is not configured. */
  directory: string;
  bus: EventBus;
  logger: Logger;
  stack: AsyncDisposableStack;
};

/** Who may come in: keys, and browsers that are signed in. */
export async function openAccess(
  config: Config,
  { opened, directory, bus, logger, stack }: Opening,
): Promise<OpenedAccess> {
  const { database, waited } = opened;
  const { db } = database;
  const pepper = new Pepper({ configured: config.keyPepper, directory });
  const apiKeys: ApiKeyServices = { db, bus, pepper };
  const keys = stack.use(new KeyRing({ db, bus, pepper, logger, isLocal: isLocalOnly(config) }));
  await waited(async () => await keys.start());
  const signIns = stack.use(new SignInRing({ db, bus, keys, logger }));
  signIns.start();
  const installation = await waited(async () => await findInstallation(db));
  return { keys, apiKeys, signIns, installation };
}
