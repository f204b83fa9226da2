import type { Kysely, Transaction } from 'kysely';
import type { Database } from '../ground/db/database.ts';
import { inTransaction } from '../ground/db/transaction.ts';
import { findReplay, type IdempotentRequest, keepAnswer, type Once } from '../ground/idempotency/service.ts';
import type { EventBus, Signal } from './event/bus.ts';
import type { StoredEvent } from './event/event.ts';

/** What a change of the database gave, and what the nodes are told of it. */
export type Committed<T> = { value: T; events?: StoredEvent[]; signals?: Signal[] };

type Services = { db: Kysely<Database>; bus: EventBus };

/** Runs a change in one transaction and tells the nodes about it after the commit. */
export async function commit<T>(
  services: Services,
  change: (trx: Transaction<Database>) => Promise<Committed<T>>,
): Promise<T> {
  const { events, signals, value } = await inTransaction(services.db, change);
  services.bus.publishEvents(events ?? []);
  services.bus.publish(signals ?? []);
  return value;
}

/** The same for a request that may come twice: the second time it gives what the first one gave. */
export async function commitOnce<T>(
  services: Services,
  request: IdempotentRequest | null,
  change: (trx: Transaction<Database>) => Promise<Committed<T>>,
): Promise<Once<T>> {
  return await commit<Once<T>>(services, async (trx) => {
    if (request === null) return asFirst(await change(trx));
    const replay = await findReplay<T>(trx, request);
    if (replay !== null) return { value: { ...replay, isReplay: true } };
    const committed = await change(trx);
    await keepAnswer(trx, request, committed.value);
    return asFirst(committed);
  });
}

function asFirst<T>(committed: Committed<T>): Committed<Once<T>> {
  return { ...committed, value: { value: committed.value, isReplay: false } };
}
