import { Kysely, PostgresDialect, type PostgresPool } from 'kysely';
import { Client } from 'pg';
import { type ConnectionTarget, connectionConfig } from './client.ts';
import type { Database } from './database.ts';

/**
 * The database over one connection of its own, for statements that must not wait behind others: one at a time. It is
 * made when it is first needed, and anew once it has broken or was dropped.
 */
export class LoneConnection {
  readonly db: Kysely<Database>;
  readonly #target: ConnectionTarget;
  readonly #name: string;
  readonly #patienceMs: number;
  #client: Client | null = null;
  #connected: Promise<unknown> = Promise.resolve();

  /** `patienceMs`: how long a statement may take at PostgreSQL, and a connection to be made. */
  constructor(target: ConnectionTarget, { name, patienceMs }: { name: string; patienceMs: number }) {
    this.#target = target;
    this.#name = name;
    this.#patienceMs = patienceMs;
    const pool: PostgresPool = {
      options: {},
      connect: async () => {
        const client = await this.#connect();
        return {
          query: client.query.bind(client) as Awaited<ReturnType<PostgresPool['connect']>>['query'],
          release: () => {},
        };
      },
      end: async () => this.drop(),
    };
    this.db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
  }

  async #connect(): Promise<Client> {
    const client = this.#client ?? this.#open();
    await this.#connected;
    return client;
  }

  #open(): Client {
    const client = new Client({
      ...connectionConfig(this.#target, this.#name, { statement_timeout: String(this.#patienceMs) }),
      connectionTimeoutMillis: this.#patienceMs,
    });
    const forget = (): void => {
      if (this.#client === client) this.#client = null;
    };
    client.on('error', forget);
    client.on('end', forget);
    this.#client = client;
    this.#connected = client.connect();
    this.#connected.catch(forget);
    return client;
  }

  /** Gives the connection up, with the statement that is under way. */
  drop(): void {
    const client = this.#client;
    this.#client = null;
    // Not waited for: the other side may never answer.
    client?.end().catch(() => {});
  }
}
