import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Database } from '../db/database.ts';
import type { UsageGroup, UsageQuery, UsageReport } from './usage.ts';

type Figures = UsageReport['total'];

const columns: Record<UsageGroup, RawBuilder<string | null>> = {
  day: sql`to_char(started_at at time zone 'UTC', 'YYYY-MM-DD')`,
  model: sql`model`,
  api_key: sql`api_key_id`,
  tenant: sql`tenant_id`,
  session: sql`session_id::text`,
  turn: sql`turn_id::text`,
};

const figures = sql`
  count(*) as requests,
  coalesce(sum(input_tokens), 0) as input_tokens,
  coalesce(sum(output_tokens), 0) as output_tokens,
  coalesce(sum(cache_read_tokens), 0) as cache_read_tokens,
  coalesce(sum(cache_write_tokens), 0) as cache_write_tokens,
  coalesce(sum(web_searches), 0) as web_searches,
  coalesce(sum(cost_usd), 0) as cost_usd`;

/** Sums over the ledger of a tenant, or of all. Groups and total are of one moment. */
export async function readUsage(
  db: Kysely<Database>,
  tenantId: string | null,
  query: UsageQuery,
): Promise<UsageReport> {
  const keys = query.group_by.map((group) => columns[group]);
  const names = query.group_by.map((group) => sql.id(group));
  const grouped = sql.join(keys.map((key, index) => sql`${key} as ${names[index]}`));
  const { rows } = await sql<Figures & Record<UsageGroup, string | null> & { is_total: number }>`
    select ${grouped}, ${figures}, grouping(${sql.join(keys)}) as is_total
    from usage_ledger where ${conditions(tenantId, query)}
    group by grouping sets ((${sql.join(keys)}), ())
    order by is_total desc, ${sql.join(names)}
    limit ${query.limit + 2}
  `.execute(db);
  const [total, ...groups] = rows.map((row) => split(row, query.group_by));
  if (total === undefined) throw new Error('the sum over the ledger gave no total');
  return {
    groups: groups.slice(0, query.limit).map(({ key, sums }) => ({ key, ...sums })),
    total: total.sums,
    is_truncated: groups.length > query.limit,
  };
}

function conditions(tenantId: string | null, query: UsageQuery): RawBuilder<unknown> {
  const { from, to, session_id, api_key_id, model } = query;
  return sql.join(
    [
      ...(tenantId === null ? [] : [sql`tenant_id = ${tenantId}`]),
      sql`status = 'settled'`,
      ...(from === undefined ? [] : [sql`started_at >= ${from}`]),
      ...(to === undefined ? [] : [sql`started_at < ${to}`]),
      ...(session_id === undefined ? [] : [sql`session_id = ${session_id}`]),
      ...(api_key_id === undefined ? [] : [sql`api_key_id = ${api_key_id}`]),
      ...(model === undefined ? [] : [sql`model = ${model}`]),
    ],
    sql` and `,
  );
}

function split(
  row: Figures & Record<UsageGroup, string | null> & { is_total: number },
  groups: readonly UsageGroup[],
) {
  const key = Object.fromEntries(groups.map((group) => [group, row[group]]));
  const { is_total: _, ...rest } = row;
  const sums = Object.fromEntries(Object.entries(rest).filter(([name]) => !(name in key))) as Figures;
  return { key, sums };
}
