import { type Kysely, sql } from 'kysely';

/** What lets bookkeeping be deleted: sums that stay when the entries go, a way into the audit log, and indexes. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createIndexes(db);
  // Nobody may write it while it is summed: what is settled meanwhile counts once.
  await sql`lock table usage_ledger in share row exclusive mode`.execute(db);
  await createSums(db);
  await sumLedger(db);
  await indexLedger(db);
  await keepSums(db);
  await openAuditLog(db);
}

async function createIndexes(db: Kysely<unknown>): Promise<void> {
  // Of a foreign key, like all others.
  await sql`
    create index sign_in_codes_by_key on sign_in_codes (api_key_id) where api_key_id is not null`.execute(db);
  await sql`create index deleted_sessions_by_age on deleted_sessions (deleted_at)`.execute(db);
  // For lists of approvals in any state, and of one kind.
  await sql`create index approvals_by_tenant on approvals (tenant_id, id)`.execute(db);
  await sql`create index approvals_by_kind on approvals (tenant_id, kind, id)`.execute(db);
}

const kinds = ['input_tokens', 'output_tokens', 'cache_read_tokens', 'cache_write_tokens'];

async function createSums(db: Kysely<unknown>): Promise<void> {
  const figures = sql`
    requests bigint not null,
    input_tokens bigint not null,
    output_tokens bigint not null,
    cache_read_tokens bigint not null,
    cache_write_tokens bigint not null,
    web_searches bigint not null,
    cost_usd numeric(20, 10) not null`;
  // Of settled requests, by the day in UTC that they began. Few rows change often: those keep some room for it.
  await sql`
    create table usage_days (
      tenant_id text not null,
      day date not null,
      model text not null,
      api_key_id text,
      ${figures},
      constraint usage_days_once unique nulls not distinct (tenant_id, day, model, api_key_id)
    ) with (fillfactor = 70)`.execute(db);
  // The same by session, many more of them. They outlive it: no foreign key.
  await sql`
    create table usage_session_days (
      session_id uuid not null,
      day date not null,
      tenant_id text not null,
      model text not null,
      api_key_id text,
      ${figures},
      constraint usage_session_days_once unique nulls not distinct (session_id, day, model, api_key_id)
    ) with (fillfactor = 90)`.execute(db);
  // One row: the ledger has every request from this day on; of earlier ones there are only sums.
  await sql`
    create table ledger_start (
      is_only boolean primary key default true check (is_only),
      day date not null
    )`.execute(db);
  await sql`insert into ledger_start (day) values ('-infinity')`.execute(db);
  const columns = kinds.map((kind) => sql`add column ${sql.id(kind)} bigint not null default 0`);
  await sql`alter table session_spending ${sql.join(columns)}`.execute(db);
}

/** Makes the sums of all that the ledger has, where there are none. */
export async function sumLedger(db: Kysely<unknown>): Promise<void> {
  const day = sql`(started_at at time zone 'UTC')::date`;
  const figures = sql`count(*), sum(input_tokens), sum(output_tokens), sum(cache_read_tokens), sum(cache_write_tokens),
    sum(web_searches), sum(cost_usd)`;
  await sql`
    insert into usage_days
    select tenant_id, ${day}, model, api_key_id, ${figures} from usage_ledger where status = 'settled'
    group by tenant_id, ${day}, model, api_key_id`.execute(db);
  await sql`
    insert into usage_session_days
    select session_id, ${day}, tenant_id, model, api_key_id, ${figures} from usage_ledger where status = 'settled'
    group by session_id, ${day}, tenant_id, model, api_key_id`.execute(db);
  const sums = sql.join(kinds.map((kind) => sql`sum(${sql.id(kind)}) as ${sql.id(kind)}`));
  const names = sql.join(kinds.map((kind) => sql.id(kind)));
  await sql`
    insert into session_spending (session_id, tenant_id, spent_usd, ${names})
    select session_id, sessions.tenant_id, sum(usage_ledger.cost_usd), ${sums}
    from usage_ledger join sessions on sessions.id = session_id where usage_ledger.status = 'settled'
    group by session_id, sessions.tenant_id
    on conflict (session_id) do update set
      spent_usd = excluded.spent_usd, ${sql.join(kinds.map((kind) => sql`${sql.id(kind)} = excluded.${sql.id(kind)}`))}
  `.execute(db);
}

async function indexLedger(db: Kysely<unknown>): Promise<void> {
  await sql`create index usage_session_days_by_tenant on usage_session_days (tenant_id, day)`.execute(db);
  // Single days of it are read, and the oldest deleted. What was asked by a key is in the sums.
  await sql`create index usage_ledger_by_time on usage_ledger (started_at)`.execute(db);
  await sql`drop index usage_ledger_by_key`.execute(db);
  // What the next turn takes over.
  await sql`create index usage_ledger_between on usage_ledger (session_id) where turn_id is null`.execute(db);
}

/**
 * As it was, and it counts what it settles in the sums: those of the session beside what that has spent, those of the
 * day last, since other sessions wait for their row.
 */
async function keepSums(db: Kysely<unknown>): Promise<void> {
  const figures = sql`requests, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, web_searches, cost_usd`;
  const values = sql`1, entry.input_tokens, entry.output_tokens, entry.cache_read_tokens, entry.cache_write_tokens,
    entry.web_searches, entry.cost_usd`;
  const added = (table: string) =>
    sql.join(
      ['requests', ...kinds, 'web_searches', 'cost_usd'].map(
        (name) => sql`${sql.id(name)} = ${sql.id(table, name)} + excluded.${sql.id(name)}`,
      ),
    );
  await sql`
    create or replace function settle_usage(
      request_id uuid, session uuid, new_status text, cost numeric, used jsonb
    ) returns table (session_id uuid, turn_id uuid, is_late boolean) language plpgsql as $$
    #variable_conflict use_column
    declare
      entry usage_ledger%rowtype;
      held numeric;
      ids uuid[];
      is_accounted boolean;
      begun date;
    begin
      select * into entry from usage_ledger where id = request_id for update;
      if not found then
        insert into usage_ledger (id, tenant_id, session_id, turn_id, api_key_id, model, status)
        select request_id, s.tenant_id, s.id, t.id, case when t.id is null then s.api_key_id else t.api_key_id end,
          used ->> 'model', 'reserved'
        from sessions s left join turns t on t.session_id = s.id and t.state = 'running'
        where s.id = session
        returning * into entry;
      end if;
      if not found or entry.status = 'settled' or entry.status = new_status then
        return;
      end if;
      select t.is_accounted into is_accounted from turns t where t.id = entry.turn_id for share;
      held := case when entry.status = 'reserved' then entry.reserved_usd else 0 end;
      update usage_ledger set status = new_status, cost_usd = cost, settled_at = now(),
        model = coalesce(used ->> 'model', model),
        input_tokens = coalesce((used ->> 'input')::bigint, 0),
        output_tokens = coalesce((used ->> 'output')::bigint, 0),
        cache_read_tokens = coalesce((used ->> 'cacheRead')::bigint, 0),
        cache_write_tokens =
          coalesce((used ->> 'cacheWrite5m')::bigint, 0) + coalesce((used ->> 'cacheWrite1h')::bigint, 0),
        web_searches = coalesce((used ->> 'webSearches')::integer, 0),
        is_estimated = coalesce((used ->> 'isEstimated')::boolean, false),
        upstream_status = (used ->> 'upstreamStatus')::integer
      where id = request_id
      returning * into entry;
      update session_spending set reserved_usd = reserved_usd - held, spent_usd = spent_usd + entry.cost_usd,
        input_tokens = input_tokens + entry.input_tokens,
        output_tokens = output_tokens + entry.output_tokens,
        cache_read_tokens = cache_read_tokens + entry.cache_read_tokens,
        cache_write_tokens = cache_write_tokens + entry.cache_write_tokens
      where session_id = entry.session_id;
      if not found then
        insert into session_spending (session_id, tenant_id, spent_usd, input_tokens, output_tokens,
          cache_read_tokens, cache_write_tokens)
        select id, tenant_id, entry.cost_usd, entry.input_tokens, entry.output_tokens, entry.cache_read_tokens,
          entry.cache_write_tokens
        from sessions where id = entry.session_id for key share;
      end if;
      select l.ids into ids from lock_budgets(entry.tenant_id, entry.api_key_id) l;
      update budgets set
        reserved_usd = reserved_usd - case when id = any(entry.budget_ids) then held else 0 end,
        spent_usd = spent_usd + case when entry.started_at >= period_start then entry.cost_usd else 0 end
      where id = any(ids);
      if new_status = 'settled' then
        begun := (entry.started_at at time zone 'UTC')::date;
        insert into usage_session_days (session_id, day, tenant_id, model, api_key_id, ${figures})
        values (entry.session_id, begun, entry.tenant_id, entry.model, entry.api_key_id, ${values})
        on conflict on constraint usage_session_days_once do update set ${added('usage_session_days')};
        insert into usage_days (tenant_id, day, model, api_key_id, ${figures})
        values (entry.tenant_id, begun, entry.model, entry.api_key_id, ${values})
        on conflict on constraint usage_days_once do update set ${added('usage_days')};
      end if;
      return query select entry.session_id, entry.turn_id, entry.turn_id is null or coalesce(is_accounted, false);
    end $$`.execute(db);
}

/**
 * Entries that are old are deleted by a function and by nothing else: a statement that was meant for another table, or
 * came in from outside, deletes none. Those of the last day not even that deletes.
 */
async function openAuditLog(db: Kysely<unknown>): Promise<void> {
  await sql`create index audit_log_by_time on audit_log (at, id)`.execute(db);
  await sql`
    create or replace function refuse_change_of_audit_log() returns trigger language plpgsql as $$
    begin
      if tg_op = 'DELETE' and tg_level = 'STATEMENT'
        and current_setting('greenroom.prunes_audit_log', true) = 'on' then
        return null;
      end if;
      raise exception 'the audit log is append-only';
    end $$`.execute(db);
  await sql`
    create trigger audit_log_keeps_a_day before delete on audit_log
    for each row when (old.at > now() - interval '1 day') execute function refuse_change_of_audit_log()`.execute(
    db,
  );
  await sql`
    create function prune_audit_log(before timestamptz, at_most integer) returns integer
    language plpgsql set search_path from current as $$
    declare
      deleted integer;
    begin
      perform set_config('greenroom.prunes_audit_log', 'on', true);
      delete from audit_log where id in (
        select id from audit_log where at < before order by at limit at_most for update skip locked
      );
      get diagnostics deleted = row_count;
      perform set_config('greenroom.prunes_audit_log', '', true);
      return deleted;
    end $$`.execute(db);
  await sql`revoke execute on function prune_audit_log from public`.execute(db);
}
