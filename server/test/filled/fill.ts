import { Client, type ClientConfig } from 'pg';
import { scaleOf } from './scale.ts';
import { firstStatements, logStatements, otherStatements, type Statement } from './sql.ts';

export type Filling = {
  /** A database with every table and no sessions; its user is a superuser. */
  connection: ClientConfig;
  /** Of what `scaleOf` describes. */
  part: number;
  /** An API key of the tenant default that has read some of the sessions. */
  operatorId: string;
  /** Told of each statement that is done. */
  onDone?: ((what: string, seconds: number) => void) | undefined;
};

/** Fills a database in few statements, on two connections. */
export async function fillDatabase({ connection, part, operatorId, onDone }: Filling): Promise<void> {
  const scale = scaleOf(part);
  const run = async (statements: readonly Statement[]): Promise<void> => {
    const client = new Client({ ...connection, application_name: 'filling' });
    await client.connect();
    try {
      // The rows fit together by construction: keys are not checked one by one, and nobody waits for the disk.
      await client.query(`
        set search_path = greenroom; set session_replication_role = replica; set synchronous_commit = off;
        set work_mem = '64MB'; set maintenance_work_mem = '256MB'; set jit = off`);
      for (const { what, sql } of statements) {
        const begin = performance.now();
        await client.query(sql);
        onDone?.(what, (performance.now() - begin) / 1_000);
      }
    } finally {
      await client.end();
    }
  };
  await run(firstStatements(scale));
  await Promise.all([run(logStatements), run(otherStatements(scale, operatorId))]);
  await run([{ what: 'the end', sql: 'drop schema filling cascade' }]);
}
