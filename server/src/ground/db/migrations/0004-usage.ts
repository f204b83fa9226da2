import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // A session's entries outlive it: no foreign key.
  await sql`
    create table usage_ledger (
      id uuid primary key,
      tenant_id text not null,
      session_id uuid not null,
      turn_id uuid,
      api_key_id text,
      worker_id uuid,
      model text not null,
      status text not null check (status in ('reserved', 'settled', 'released')),
      reserved_usd numeric(20, 10) not null default 0,
      cost_usd numeric(20, 10) not null default 0,
      input_tokens bigint not null default 0,
      output_tokens bigint not null default 0,
      cache_read_tokens bigint not null default 0,
      cache_write_tokens bigint not null default 0,
      web_searches integer not null default 0,
      is_estimated boolean not null default false,
      upstream_status integer,
      budget_ids uuid[] not null default '{}',
      started_at timestamptz not null default now(),
      settled_at timestamptz
    )`.execute(db);
  await sql`create index usage_ledger_by_tenant on usage_ledger (tenant_id, started_at)`.execute(db);
  await sql`create index usage_ledger_by_session on usage_ledger (session_id)`.execute(db);
  await sql`create index usage_ledger_by_turn on usage_ledger (turn_id) where turn_id is not null`.execute(
    db,
  );
  await sql`
    create index usage_ledger_by_key on usage_ledger (api_key_id, started_at) where api_key_id is not null`.execute(
    db,
  );
  await sql`create index usage_ledger_reserved on usage_ledger (started_at) where status = 'reserved'`.execute(
    db,
  );

  // Beside the session's row, which is locked whenever its state changes: model requests do not wait for that.
  await sql`
    create table session_spending (
      session_id uuid primary key,
      tenant_id text not null,
      spent_usd numeric(20, 10) not null default 0,
      reserved_usd numeric(20, 10) not null default 0,
      foreign key (tenant_id, session_id) references sessions (tenant_id, id) on delete cascade
    )`.execute(db);

  await sql`
    create table budgets (
      id uuid primary key,
      tenant_id text not null,
      scope text not null check (scope in ('tenant', 'api_key')),
      api_key_id text,
      period text not null check (period in ('day', 'month', 'total')),
      limit_usd numeric(20, 10) not null check (limit_usd >= 0),
      period_start timestamptz not null,
      spent_usd numeric(20, 10) not null default 0,
      reserved_usd numeric(20, 10) not null default 0,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      check ((scope = 'api_key') = (api_key_id is not null)),
      unique nulls not distinct (tenant_id, scope, api_key_id, period)
    )`.execute(db);

  await carryOver(db);
  await createFunctions(db);
}

/** What was spent before there was a ledger. */
async function carryOver(db: Kysely<unknown>): Promise<void> {
  const tokens = (kind: string) => sql`coalesce((usage ->> ${sql.lit(kind)})::numeric::bigint, 0)`;
  await sql`
    insert into usage_ledger (id, tenant_id, session_id, turn_id, api_key_id, model, status, cost_usd, input_tokens,
      output_tokens, cache_read_tokens, cache_write_tokens, is_estimated, started_at, settled_at)
    select gen_random_uuid(), tenant_id, session_id, id, api_key_id, 'unknown', 'settled', cost_usd,
      ${tokens('input_tokens')}, ${tokens('output_tokens')}, ${tokens('cache_read_input_tokens')},
      ${tokens('cache_creation_input_tokens')}, true, coalesce(started_at, queued_at), coalesce(ended_at, now())
    from turns where cost_usd > 0`.execute(db);
  await sql`
    insert into session_spending (session_id, tenant_id, spent_usd)
    select id, tenant_id, cost_usd from sessions where cost_usd > 0`.execute(db);
}

/**
 * In the database, so that each is one statement of one transaction, yet sees what was committed while it waited for
 * the rows that it locks. Rows are locked in one order: ledger, session, budgets by id. A reservation does not wait for
 * the disk; if PostgreSQL crashes before it is there, the settlement, which does wait, makes up for the entry.
 */
async function createFunctions(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function budget_period_start(period text) returns timestamptz language sql stable as $$
      select case period when 'day' then date_trunc('day', now(), 'UTC')
        when 'month' then date_trunc('month', now(), 'UTC') else to_timestamp(0) end
    $$`.execute(db);
  await sql`
    create function lock_budgets(tenant text, key_id text) returns table (ids uuid[], is_full boolean)
    language plpgsql as $$
    declare
      is_new_period boolean;
    begin
      select coalesce(array_agg(id), '{}'), bool_or(spent_usd + reserved_usd >= limit_usd),
        bool_or(period_start < budget_period_start(period))
      into ids, is_full, is_new_period from (
        select * from budgets
        where tenant_id = tenant and (scope = 'tenant' or api_key_id = key_id)
        order by id for update
      ) locked;
      if is_new_period then
        update budgets b set period_start = budget_period_start(period), spent_usd = 0
        where id = any(ids) and period_start < budget_period_start(period);
        select bool_or(spent_usd + reserved_usd >= limit_usd) into is_full from budgets where id = any(ids);
      end if;
      return next;
    end $$`.execute(db);
  await sql`
    create function reserve_usage(
      request_id uuid, session uuid, activation_fence bigint, worker uuid, model_name text, amount numeric,
      is_repeat boolean
    ) returns table (
      verdict text, scope text, period text, limit_usd numeric, spent_usd numeric
    ) language plpgsql as $$
    #variable_conflict use_column
    declare
      held record;
      ids uuid[];
      is_new_period boolean;
      is_full boolean;
      full_one record;
    begin
      perform set_config('synchronous_commit', 'off', true);
      if is_repeat and exists (select from usage_ledger l where l.id = request_id) then
        return query select 'reserved', null::text, null::text, null::numeric, null::numeric;
        return;
      end if;
      -- Few statements: each costs more than what it does.
      for attempt in 1..2 loop
        -- Its turn is the running one; or one that was cancelled, and whose agent has not stopped yet.
        select s.tenant_id, s.max_budget_usd, o.spent_usd, o.reserved_usd, t.id as turn_id,
          case when t.id is null then s.api_key_id else t.api_key_id end as api_key_id
        into held from sessions s
        join session_spending o on o.session_id = s.id
        left join lateral (
          select t.id, t.api_key_id from turns t
          where t.session_id = s.id and t.started_at is not null and not t.is_accounted
          order by t.number desc limit 1
        ) t on true
        where s.id = session and s.fence = activation_fence for update of o;
        exit when found or attempt = 2;
        insert into session_spending (session_id, tenant_id)
        select s.id, s.tenant_id from sessions s where s.id = session and s.fence = activation_fence
        on conflict do nothing;
      end loop;
      if held is null then
        return query select 'stale', null::text, null::text, null::numeric, null::numeric;
        return;
      end if;
      select l.ids, l.is_full into ids, is_full from lock_budgets(held.tenant_id, held.api_key_id) l;
      if is_full or held.spent_usd + held.reserved_usd >= held.max_budget_usd then
        select * into full_one from (
          select 'session' as scope, 'total' as period, held.max_budget_usd as limit_usd, held.spent_usd as spent_usd,
            held.reserved_usd as reserved_usd
          where held.max_budget_usd is not null
          union all
          select b.scope, b.period, b.limit_usd, b.spent_usd, b.reserved_usd from budgets b where b.id = any(ids)
        ) limits
        where limits.spent_usd + limits.reserved_usd >= limits.limit_usd
        order by limits.spent_usd >= limits.limit_usd desc limit 1;
        return query select case when full_one.spent_usd >= full_one.limit_usd then 'exceeded' else 'busy' end,
          full_one.scope, full_one.period, full_one.limit_usd, full_one.spent_usd;
        return;
      end if;
      with of_session as (
        update session_spending s set reserved_usd = s.reserved_usd + amount where s.session_id = session
      ), of_budgets as (
        update budgets b set reserved_usd = b.reserved_usd + amount where b.id = any(ids)
      )
      insert into usage_ledger
        (id, tenant_id, session_id, turn_id, api_key_id, worker_id, model, status, reserved_usd, budget_ids, started_at)
      values (request_id, held.tenant_id, session, held.turn_id, held.api_key_id, worker, model_name, 'reserved', amount, ids, now());
      return query select 'reserved', null::text, null::text, null::numeric, null::numeric;
    end $$`.execute(db);
  // All its rows are found by keys: with other values a plan would be the same, and making one costs as much as the rest.
  await sql`alter function reserve_usage set plan_cache_mode = force_generic_plan`.execute(db);
  await sql`
    create function settle_usage(
      request_id uuid, session uuid, new_status text, cost numeric, used jsonb
    ) returns table (session_id uuid, turn_id uuid, is_late boolean) language plpgsql as $$
    #variable_conflict use_column
    declare
      entry usage_ledger%rowtype;
      held numeric;
      ids uuid[];
      is_accounted boolean;
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
      where id = request_id;
      update session_spending set reserved_usd = reserved_usd - held, spent_usd = spent_usd + cost
      where session_id = entry.session_id;
      if not found then
        insert into session_spending (session_id, tenant_id, spent_usd)
        select id, tenant_id, cost from sessions where id = entry.session_id for key share;
      end if;
      select l.ids into ids from lock_budgets(entry.tenant_id, entry.api_key_id) l;
      update budgets set
        reserved_usd = reserved_usd - case when id = any(entry.budget_ids) then held else 0 end,
        spent_usd = spent_usd + case when entry.started_at >= period_start then cost else 0 end
      where id = any(ids);
      return query select entry.session_id, entry.turn_id, entry.turn_id is null or coalesce(is_accounted, false);
    end $$`.execute(db);
}
