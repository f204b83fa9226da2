import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import type { UsageGroup, UsageQuery, UsageReport } from './usage.ts';

type Figures = UsageReport['total'];
type Sql = RawBuilder<unknown>;

/** Of what is summed, and how its text is shown. */
const columns: Record<UsageGroup, { key: Sql; text: Sql }> = {
  day: { key: sql`day`, text: sql`to_char(day, 'YYYY-MM-DD')` },
  model: { key: sql`model`, text: sql`model` },
  api_key: { key: sql`api_key_id`, text: sql`api_key_id` },
  tenant: { key: sql`tenant_id`, text: sql`tenant_id` },
  session: { key: sql`session_id`, text: sql`session_id::text` },
  turn: { key: sql`turn_id`, text: sql`turn_id::text` },
};

const figures = sql`
  coalesce(sum(requests), 0) as requests,
  coalesce(sum(input_tokens), 0) as input_tokens,
  coalesce(sum(output_tokens), 0) as output_tokens,
  coalesce(sum(cache_read_tokens), 0) as cache_read_tokens,
  coalesce(sum(cache_write_tokens), 0) as cache_write_tokens,
  coalesce(sum(web_searches), 0) as web_searches,
  coalesce(sum(cost_usd), 0) as cost_usd`;

const kinds = sql`input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, web_searches, cost_usd`;

/** Of the first day that the ledger has every request of. */
const ledgerStart = sql`(select day from ledger_start)`;

/**
 * Sums over the requests of a tenant, or of all. Whole days come from the sums that are kept of them, the rest from the
 * ledger; of days that it no longer has, the requests count as if they had begun with their day. All is of one moment.
 */
export async function readUsage(
  db: Kysely<Database>,
  tenantId: string | null,
  query: UsageQuery,
): Promise<UsageReport> {
  const { group_by, limit } = query;
  const keys = sql.join(group_by.map((group) => columns[group].key));
  const texts = sql.join(group_by.map((group) => sql`${columns[group].text} as ${sql.id(group)}`));
  const none = sql.join(group_by.map((group) => sql`null::text as ${sql.id(group)}`));
  const { rows } = await sql<Row>`
    select ${none}, ${figures}, ${ledgerStart}::text as ledger_start
    from (${parts(tenantId, query, [])}) requests
    union all (
      select ${texts}, ${figures}, null
      from (${parts(tenantId, query, group_by)}) requests
      group by ${keys} order by ${keys} limit ${limit + 1}
    )
  `.execute(db);
  const [total, ...groups] = rows.map((row) => split(row, group_by));
  if (total === undefined) throw new Error('the sum over the ledger gave no total');
  const start = rows[0]?.ledger_start ?? '-infinity';
  return {
    groups: groups.slice(0, limit).map(({ key, sums }) => ({ key, ...sums })),
    total: total.sums,
    is_truncated: groups.length > limit,
    ledger_start: start === '-infinity' ? null : start,
  };
}

type Row = Figures & Record<UsageGroup, string | null> & { ledger_start: string | null };

function split({ ledger_start: _, ...row }: Row, groups: readonly UsageGroup[]) {
  const key = Object.fromEntries(groups.map((group) => [group, row[group]]));
  const sums = Object.fromEntries(Object.entries(row).filter(([name]) => !(name in key))) as Figures;
  return { key, sums };
}

/** What is to be summed, so that it can be grouped by these: rows of sums, and of the ledger. */
function parts(tenantId: string | null, query: UsageQuery, groups: readonly UsageGroup[]): Sql {
  const { from, to, session_id, api_key_id, model } = query;
  const filters = [
    ...(tenantId === null ? [] : [sql`tenant_id = ${tenantId}`]),
    ...(session_id === undefined ? [] : [sql`session_id = ${session_id}`]),
    ...(api_key_id === undefined ? [] : [sql`api_key_id = ${api_key_id}`]),
    ...(model === undefined ? [] : [sql`model = ${model}`]),
  ];
  const isByTurn = groups.includes('turn');
  const hasSessions = isByTurn || groups.includes('session') || session_id !== undefined;
  const hasKeys = hasSessions || groups.includes('api_key') || api_key_id !== undefined;
  const sums = hasSessions ? 'usage_session_days' : hasKeys ? 'usage_days' : 'usage_tenant_days';
  const stretches = isByTurn ? [{ from, to }] : partialDays({ from, to });
  return sql.join(
    [
      sql`
        select day, model, ${hasKeys ? sql`api_key_id` : sql`null::text as api_key_id`}, tenant_id,
          ${hasSessions ? sql`session_id` : sql`null::uuid as session_id`}, null::uuid as turn_id, requests, ${kinds}
        from ${sql.id(sums)}
        where ${all([...filters, ...dayConditions({ from, to }), ...(isByTurn ? [sql`day < ${ledgerStart}`] : [])])}`,
      ...stretches.map(
        (stretch) => sql`
        select (started_at at time zone 'UTC')::date, model, api_key_id, tenant_id, session_id, turn_id, 1, ${kinds}
        from usage_ledger
        where ${all([sql`status = 'settled'`, ...filters, ...timeConditions(stretch)])}`,
      ),
    ],
    sql` union all `,
  );
}

type Span = { from: Date | undefined; to: Date | undefined };

const DAY_MS = 86_400_000;
const beginOfDay = (at: Date): Date => new Date(Math.floor(at.getTime() / DAY_MS) * DAY_MS);
const nextDay = (at: Date): Date => new Date(Math.ceil(at.getTime() / DAY_MS) * DAY_MS);
const isBegin = (at: Date): boolean => at.getTime() % DAY_MS === 0;
const dayOf = (at: Date): Sql => sql`(${at}::timestamptz at time zone 'UTC')::date`;

/** The begin and the end of a span, as far as they are no whole days. */
function partialDays({ from, to }: Span): Span[] {
  const head = from === undefined || isBegin(from) ? null : { from, to: earlier(nextDay(from), to) };
  if (to === undefined || isBegin(to)) return head === null ? [] : [head];
  const tail = { from: later(beginOfDay(to), from), to };
  if (head === null) return [tail];
  const isOneDay = beginOfDay(head.from).getTime() === beginOfDay(to).getTime();
  return isOneDay ? [head] : [head, tail];
}

const earlier = (at: Date, other = at): Date => (at < other ? at : other);
const later = (at: Date, other = at): Date => (at > other ? at : other);

/** Whole days; and the one that the span ends in, where the ledger no longer has it. */
function dayConditions({ from, to }: Span): Sql[] {
  const conditions = from === undefined ? [] : [sql`day >= ${dayOf(nextDay(from))}`];
  if (to === undefined) return conditions;
  const end = dayOf(beginOfDay(to));
  const last = isBegin(to) ? sql`day < ${end}` : sql`(day < ${end} or day = ${end} and day < ${ledgerStart})`;
  return [...conditions, last];
}

function timeConditions({ from, to }: Span): Sql[] {
  return [
    sql`started_at >= ${ledgerStart}::timestamp at time zone 'UTC'`,
    ...(from === undefined ? [] : [sql`started_at >= ${from}`]),
    ...(to === undefined ? [] : [sql`started_at < ${to}`]),
  ];
}

function all(conditions: readonly Sql[]): Sql {
  return conditions.length === 0 ? sql`true` : sql.join(conditions, sql` and `);
}
