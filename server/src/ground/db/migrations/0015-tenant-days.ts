import { type Kysely, sql } from 'kysely';

const figures = [
  ...['requests', 'input_tokens', 'output_tokens', 'cache_read_tokens', 'cache_write_tokens', 'web_searches'],
  'cost_usd',
];

/** The sums of a day without the API keys: where there are thousands of these, the day is read from a few rows. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table usage_tenant_days (
      tenant_id text not null,
      day date not null,
      model text not null,
      requests bigint not null,
      input_tokens bigint not null,
      output_tokens bigint not null,
      cache_read_tokens bigint not null,
      cache_write_tokens bigint not null,
      web_searches bigint not null,
      cost_usd numeric(20, 10) not null,
      primary key (tenant_id, day, model)
    ) with (fillfactor = 70)`.execute(db);
  // What is settled meanwhile counts once.
  await sql`lock table usage_days in share row exclusive mode`.execute(db);
  await sql`
    insert into usage_tenant_days
    select tenant_id, day, model, ${sql.join(figures.map((name) => sql`sum(${sql.id(name)})`))}
    from usage_days group by tenant_id, day, model`.execute(db);
  const gained = (name: string) => sql`new.${sql.id(name)} - coalesce(old.${sql.id(name)}, 0)`;
  await sql`
    create function count_usage_day() returns trigger language plpgsql as $$
    begin
      insert into usage_tenant_days as days
      values (new.tenant_id, new.day, new.model, ${sql.join(figures.map(gained))})
      on conflict (tenant_id, day, model) do update
      set ${sql.join(figures.map((name) => sql`${sql.id(name)} = days.${sql.id(name)} + excluded.${sql.id(name)}`))};
      return null;
    end $$`.execute(db);
  await sql`
    create trigger usage_days_are_counted after insert or update on usage_days
    for each row execute function count_usage_day()`.execute(db);
}
