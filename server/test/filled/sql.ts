import type { Scale } from './scale.ts';

/*
 * What a filled database holds, as statements that each make all rows of a kind. `filling.sessions` and `filling.turns`
 * say what the others are made of, so that what one table tells agrees with the next: numbers of events and messages with
 * the log, costs with the ledger, approvals with their events and with what a session waits for.
 *
 * A turn has a prompt, a start, messages of the agent and an end: fewer notes of the server's than a real one. In half of
 * the sessions the first turn asked for an approval, and got it. One session of 200 asks in its last turn, and waits.
 */

export type Statement = { what: string; sql: string };

/** Of a model request, and so of a turn: it makes one. */
const COST = 0.0042;
const TOKENS = { input: 1_200, output: 300, cacheRead: 4_000, cacheWrite: 500 };
const MODEL = 'claude-sonnet-4-5';
const OPTIONS = `{"model":"${MODEL}"}`;
const DAYS = `interval '90 days'`;
/** A transcript begins late, as after a compaction. */
const TRANSCRIPT_TURNS = 6;
/** Of a picture, in pieces of 32 bytes; no two are alike, so that nothing of it is compressed away. */
const PICTURE_PIECES = 256;
/** What an agent says, and somebody asks. */
const WORDS = `repeat('Lorem ipsum dolor sit amet, consectetur adipisici elit. ', 4)`;

const usageOf = (turns: string): string => `format(
  '{"input_tokens":%s,"output_tokens":%s,"cache_read_input_tokens":%s,"cache_creation_input_tokens":%s}',
  ${TOKENS.input} * ${turns}, ${TOKENS.output} * ${turns}, ${TOKENS.cacheRead} * ${turns}, ${TOKENS.cacheWrite} * ${turns})`;

/** What the planner knows of tables, and which of their pages all may see. */
function analyses(...tables: string[]): Statement[] {
  return tables.map((table) => ({ what: `what is known of ${table}`, sql: `vacuum analyze ${table}` }));
}

/** As `JSON.stringify` writes it: what is stored is looked into by its text. */
const asWritten = (json: string): string =>
  `replace(replace(${json}::text, '" : ', '":'), ', "', ',"')::json`;

const errorOf = `case state
  when 'error' then '{"code":"api_error","message":"The model API did not answer."}'
  when 'cancelled' then '{"code":"cancelled","message":"Session was cancelled"}' end`;

const call = `format('{"type":"tool_use","id":"toolu_%s","name":"Bash","input":{"command":"npm test"}}', turn_id)`;

/** The first rows, on which the others rest. */
export function firstStatements(scale: Scale): Statement[] {
  const { sessions, tenants, keys } = scale;
  const middle = Math.ceil(sessions / 2);
  return [
    {
      what: 'ids that sort by time, as those of the server do',
      sql: `
        create schema filling;
        create function filling.id_of(at timestamptz, n bigint) returns uuid language sql immutable as $$
          select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7000a'
            || lpad(to_hex(n), 15, '0'))::uuid
        $$;
        create function filling.key_of(tenant bigint, n bigint) returns text language sql immutable as $$
          select lpad(to_hex(1700000000000 + tenant), 12, '0') || lpad(to_hex(n), 8, '0')
        $$`,
    },
    {
      what: 'API keys, and who has looked at lists',
      sql: `
        insert into api_keys (id, tenant_id, name, scopes, hash, created_at, created_by, last_used_at)
        select filling.key_of(tenant, n), case when tenant = 0 then 'default' else 'tenant-' || tenant - 1 end,
          'key ' || n, '{sessions:read,sessions:write}', sha256(('key ' || tenant || ' ' || n)::bytea),
          now() - ${DAYS}, 'filling', now() - interval '1 day'
        from (
          select 0 as tenant, n from generate_series(0, ${keys - 1}) n
          union all select tenant, 0 from generate_series(1, ${tenants}) tenant
        ) given;
        insert into session_readers (tenant_id, reader, read_before)
        select tenant_id, id, now() - interval '2 days' from api_keys on conflict do nothing`,
    },
    {
      what: 'what each session is',
      sql: `
        create unlogged table filling.sessions as
        select n, filling.id_of(begins_at, n) as id, begins_at, step, turns, messages, has_pictures, asks,
          case when tenant is null then 'default' else 'tenant-' || tenant end as tenant_id,
          case when tenant is not null then filling.key_of(tenant + 1, 0)
            when n % 3 > 0 then filling.key_of(0, n % ${keys}) end as api_key_id,
          case when asks then 'running' when n % 33 = 5 then 'error' when n % 50 = 9 then 'cancelled'
            else 'completed' end as status,
          extra, turns * (messages + 3) + extra + 1 - case when asks then 1 else 0 end as last_seq,
          turns * messages - case when asks then messages - 1 else 0 end as message_count
        from (
          select *, case when n % 2 = 0 and not is_special then 2 else 0 end as extra,
            case when n % 20 = 0 and not is_special then n / 20 % ${tenants} end as tenant,
            n % 200 = 7 and not is_special as asks
          from (
            select n, n in (${middle}, ${middle + 1}) as is_special, n = ${middle + 1} as has_pictures,
              date_trunc('milliseconds', now()) - interval '1 hour'
                - ${DAYS} * (${sessions} - n) / ${sessions} as begins_at,
              case when n = ${middle + 1} then interval '1 second' else interval '1 minute' end as step,
              case n when ${middle} then ${scale.longTurns} when ${middle + 1} then ${scale.pictureTurns}
                else 1 + n * 7 % 19 end as turns,
              case n when ${middle} then 497 else 2 end as messages
            from generate_series(1::bigint, ${sessions}) n
          ) numbered
        ) described order by n`,
    },
    {
      what: 'what each turn is',
      sql: `
        create unlogged table filling.turns as
        select s.*, number, begins_at + number * step as queued_at,
          filling.id_of(begins_at + number * step, n * 20000 + number) as turn_id,
          case when number < turns then 'completed' else status end as state,
          number = turns and asks as is_open,
          case when number = 1 then extra else 0 end as own_extra,
          (number - 1) * (messages + 3) + case when number > 1 then extra else 0 end as seq_before
        from filling.sessions s, generate_series(1, turns) number;
        analyze filling.sessions, filling.turns`,
    },
    {
      what: 'sessions',
      sql: `
        insert into sessions (id, tenant_id, status, waiting_for, title, prompt, options, model, last_model, metadata,
          is_archived, api_key_id, isolation, claude_session_id, fence, last_seq, turn_count, message_count, cost_usd,
          usage, error, created_at, started_at, ended_at, updated_at)
        select id, tenant_id, status, case when asks then 'approval' end,
          case when n % 4 = 0 then 'Session ' || n end, 'Prompt 1 of session ' || n || '.', '${OPTIONS}', '${MODEL}',
          '${MODEL}', jsonb_build_object('team', 'team ' || n % 40), n % 7 = 3 and not asks, api_key_id, 'none', id, 1,
          last_seq, turns, message_count, turns * ${COST}, ${usageOf('turns')}::json,
          case status when 'error' then 'The model API did not answer.' when 'cancelled' then 'Session was cancelled' end,
          begins_at, begins_at + turns * step + interval '100 milliseconds',
          case when not asks then begins_at + turns * step + interval '900 milliseconds' end,
          begins_at + turns * step + interval '900 milliseconds'
        from filling.sessions order by n`,
    },
    {
      what: 'approvals',
      sql: `
        insert into approvals (id, session_id, tenant_id, turn_id, kind, tool_name, tool_use_id, input, details, status,
          answer, decided_by, requested_at, expires_at, decided_at, delivered_at)
        select filling.id_of(queued_at, n), id, tenant_id, turn_id, 'tool', 'Bash', 'toolu_' || turn_id,
          '{"command":"npm test"}', '{"description":"Run the tests","plan":null,"rules":["Bash(npm test *)"]}',
          case when is_open then 'pending' when n % 10 = 0 then 'denied' else 'allowed' end,
          case when is_open then null when n % 10 = 0 then '{"decision":"deny","interrupt":false}'
            else '{"decision":"allow","scope":"once"}' end::json,
          case when not is_open then 'local' end, queued_at + interval '100 milliseconds',
          case when is_open then now() else queued_at end + interval '7 days',
          case when not is_open then queued_at + interval '200 milliseconds' end,
          case when not is_open then queued_at + interval '200 milliseconds' end
        from filling.turns where own_extra > 0 or is_open order by n`,
    },
  ];
}

const ledgerColumns = `id, tenant_id, session_id, turn_id, api_key_id, model, status, reserved_usd, cost_usd,
  input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, upstream_status, started_at, settled_at`;

/** Each of the two can be made beside the other: what there is most of, and the rest. */
export const logStatements: Statement[] = [
  {
    what: 'events',
    sql: `
      insert into events (session_id, seq, tenant_id, turn_id, kind, data, at)
      select id, seq, tenant_id, turn_id, case part when 'message' then 'sdk' when 'result' then 'sdk'
          when 'prompt' then 'prompt' else 'turn' end,
        case part
          when 'prompt' then format('{"turn":%s,"text":"Prompt %s of session %s.","delivery":"queue","images":%s}',
            number, number, n, has_pictures::int)
          when 'started' then format('{"turn":%s,"phase":"started","state":"running","error":null,"cost_usd":null,'
            '"steered_into":null}', number)
          when 'ended' then format('{"turn":%s,"phase":"ended","state":"%s","error":%s,"cost_usd":${COST},'
            '"steered_into":null,"usage":%s,"duration_ms":800}', number, state, coalesce(${errorOf}, 'null'), ${usageOf('1')})
          when 'result' then format('{"type":"result","subtype":"success","is_error":%s,"duration_ms":800,"num_turns":1,'
            '"result":"Answer %s of session %s.","session_id":"%s","total_cost_usd":${COST},"usage":%s,"uuid":"%s"}',
            (state = 'error')::text, number, n, id, ${usageOf('1')}, filling.id_of(queued_at, n * 100000 + seq))
          else format('{"type":"assistant","message":{"id":"msg_%s","type":"message","role":"assistant",'
            '"model":"${MODEL}","content":[%s],"stop_reason":"end_turn","stop_sequence":null,"usage":'
            '{"input_tokens":${TOKENS.input},"output_tokens":${TOKENS.output}}},"parent_tool_use_id":null,'
            '"session_id":"%s","uuid":"%s"}', seq,
            case when j = 3 and (is_open or own_extra > 0) then ${call}
              else format('{"type":"text","text":"Answer %s of session %s. %s"}', number, n, ${WORDS}) end,
            id, filling.id_of(queued_at, n * 100000 + seq)) end::json,
        queued_at + interval '1 millisecond' * j
      from (
        select t.*, j, seq_before + j + case when j > 3 then own_extra else 0 end as seq,
          case j when 1 then 'prompt' when 2 then 'started' when messages + 2 then 'result' when messages + 3 then 'ended'
            else 'message' end as part
        from filling.turns t, generate_series(1, case when is_open then 3 else messages + 3 end) j
      ) placed`,
  },
  {
    what: 'events of approvals',
    sql: `
      insert into events (session_id, seq, tenant_id, turn_id, kind, data, at)
      select t.id, seq_before + 3 + nth, t.tenant_id, t.turn_id, 'approval',
        ${asWritten(`json_build_object('phase', case nth when 1 then 'requested' else 'decided' end, 'approval', json_build_object(
          'approval_id', a.id, 'session_id', a.session_id, 'turn_id', a.turn_id, 'kind', a.kind,
          'tool_name', a.tool_name, 'tool_use_id', a.tool_use_id, 'agent_id', a.agent_id, 'input', a.input,
          'description', a.details -> 'description', 'plan', a.details -> 'plan', 'rules', a.details -> 'rules',
          'status', case nth when 1 then 'pending' else a.status end,
          'answer', case nth when 2 then a.answer end, 'decided_by', case nth when 2 then a.decided_by end,
          'requested_at', a.requested_at, 'expires_at', a.expires_at,
          'decided_at', case nth when 2 then a.decided_at end))`)},
        case nth when 1 then a.requested_at else a.decided_at end
      from filling.turns t join approvals a on a.session_id = t.id and a.turn_id = t.turn_id,
        generate_series(1, case when is_open then 1 else 2 end) nth`,
  },
  {
    what: 'how sessions stand, as their last event says',
    sql: `
      insert into events (session_id, seq, tenant_id, turn_id, kind, data, at)
      select id, last_seq, tenant_id, null, 'session',
        format('{"status":"%s","waiting_for":%s}', status, case when asks then '"approval"' else 'null' end)::json,
        begins_at + turns * step + interval '900 milliseconds'
      from filling.sessions`,
  },
  ...analyses('events'),
];

/** `operatorId`: the key that has read some of it. */
export function otherStatements(scale: Scale, operatorId: string): Statement[] {
  const { sessions } = scale;
  return [
    {
      what: 'turns',
      sql: `
        insert into turns (id, session_id, tenant_id, number, state, prompt, content, options, result, error,
          is_accounted, cost_usd, usage, api_key_id, queued_at, started_at, ended_at)
        select turn_id, id, tenant_id, number, state, format('Prompt %s of session %s.', number, n),
          case when has_pictures then ${asWritten(`json_build_array(
            json_build_object('type', 'text', 'text', format('Prompt %s of session %s.', number, n)),
            json_build_object('type', 'image', 'source', json_build_object('type', 'base64', 'media_type', 'image/png',
              'data', (select string_agg(md5(number || ' ' || piece), '') from generate_series(1, ${PICTURE_PIECES}) piece)))
          )`)} end,
          case when is_open then '${OPTIONS}' end::json,
          case when state = 'completed' then format('{"session_id":"%s","num_turns":1,"duration_ms":800,"usage":%s,'
            '"text":"Answer %s of session %s. %s"}', id, ${usageOf('1')}, number, n, ${WORDS}) end::json,
          (${errorOf})::json, not is_open, ${COST}, ${usageOf('1')}::json, api_key_id,
          queued_at, queued_at + interval '100 milliseconds',
          case when not is_open then queued_at + interval '900 milliseconds' end
        from filling.turns`,
    },
    {
      what: 'the ledger',
      sql: `
        insert into usage_ledger (${ledgerColumns})
        select filling.id_of(queued_at, n * 20000 + number), tenant_id, id, turn_id, api_key_id, '${MODEL}', 'settled',
          ${COST} * 2, ${COST}, ${TOKENS.input}, ${TOKENS.output}, ${TOKENS.cacheRead}, ${TOKENS.cacheWrite}, 200,
          queued_at + interval '100 milliseconds', queued_at + interval '800 milliseconds'
        from filling.turns`,
    },
    {
      what: 'budgets, spent as the ledger has it',
      sql: `
        insert into budgets (id, tenant_id, scope, api_key_id, period, limit_usd, period_start, spent_usd)
        select gen_random_uuid(), tenant_id, case when api_key_id is null then 'tenant' else 'api_key' end, api_key_id,
          'total', 1000000, to_timestamp(0), sum(cost_usd)
        from usage_ledger group by grouping sets ((tenant_id), (tenant_id, api_key_id))
        having api_key_id is not null or grouping(api_key_id) = 1`,
    },
    {
      what: 'transcripts',
      sql: `
        insert into transcripts (session_id, tenant_id, subpath, type, entry_uuid, entry)
        select id, tenant_id, '', case when is_prompt then 'user' else 'assistant' end,
          case when is_prompt then turn_id else answer_id end,
          format('{"parentUuid":%s,"isSidechain":false,"type":"%s","message":%s,"uuid":"%s","timestamp":"%s",'
            '"userType":"external","entrypoint":"sdk-ts","cwd":"/","sessionId":"%s","version":"2.0.0","gitBranch":"HEAD"}',
            case when is_prompt then coalesce('"' || answer_before || '"', 'null') else '"' || turn_id || '"' end,
            case when is_prompt then 'user' else 'assistant' end,
            case when is_prompt then format('{"role":"user","content":"Prompt %s of session %s."}', number, n)
              else format('{"id":"msg_%s","type":"message","role":"assistant","model":"${MODEL}","content":[%s],'
                '"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}', answer_id,
                case when is_open then ${call}
                  else format('{"type":"text","text":"Answer %s of session %s. %s"}', number, n, ${WORDS}) end) end,
            case when is_prompt then turn_id else answer_id end,
            to_char(queued_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), id)::json
        from (
          select *, filling.id_of(queued_at, n * 100000 + seq_before + 3) as answer_id,
            case when number > greatest(1, turns - ${TRANSCRIPT_TURNS} + 1)
              then filling.id_of(queued_at - step, n * 100000 + seq_before - messages
                - case when number = 2 then extra else 0 end) end as answer_before
          from filling.turns where number > turns - ${TRANSCRIPT_TURNS}
        ) said, (values (true), (false)) kinds (is_prompt)`,
    },
    {
      what: 'the audit log',
      sql: `
        insert into audit_log (id, tenant_id, at, actor_id, actor, ip, request_id, action, object_type, object_id,
          outcome, status, details)
        select filling.id_of(begins_at, n * 4 + k), tenant_id, begins_at + k * interval '1 second', api_key_id,
          case when api_key_id is null then 'local' else 'key' end, '127.0.0.1', gen_random_uuid()::text,
          case k when 1 then 'session.create' when 2 then 'message.send' else 'file.write' end, 'session', id,
          case when n % 5000 = 1 and k = 3 then 'denied' else 'done' end,
          case when n % 5000 = 1 and k = 3 then 403 else 200 end,
          '{"method":"POST","route":"/execute/","path":"/execute/","fields":["prompt"],"values":{}}'
        from filling.sessions, generate_series(1, 3) k order by n, k`,
    },
    {
      what: 'what readers noted of sessions',
      sql: `
        insert into session_marks (tenant_id, session_id, reader, read_seq, unread_at, is_pinned, changed_at)
        select tenant_id, id, reader, case when n % 500 = 0 then 0 else last_seq end,
          case when n % 500 = 0 then begins_at end, n % 1000 = 1, begins_at
        from filling.sessions, lateral (
          select 'local' union select '${operatorId}' union select filling.key_of(0, k) from generate_series(1, 8) k
          union select api_key_id
        ) readers (reader)
        where reader is not null and n % 2 = 1`,
    },
    {
      what: 'answers to repeated requests, deleted sessions, jobs that are done',
      sql: `
        insert into idempotency_keys (tenant_id, route, key, request_hash, answer, created_at)
        select tenant_id, 'POST /execute/', 'key ' || n, md5(n::text), to_json(id),
          now() - interval '23 hours' * (${sessions} - n) / ${sessions}
        from filling.sessions where n > ${sessions} * 0.8;
        insert into deleted_sessions (id, deleted_at)
        select gen_random_uuid(), now() - interval '29 days' * random() from generate_series(1, ${Math.max(2_000, Math.ceil(sessions / 10))});
        insert into greenroom_queue.job (name, data, state, policy, singleton_key, deletion_seconds, started_on, completed_on)
        select 'activation', json_build_object('sessionId', id), 'completed', 'exclusive', id::text, 3600, now(), now()
        from filling.sessions where n > least(${sessions} * 0.8, ${sessions} - 1000)`,
    },
    ...analyses(
      ...['api_keys', 'session_readers', 'sessions', 'approvals', 'turns', 'usage_ledger', 'budgets'],
      ...[
        'transcripts',
        'audit_log',
        'session_marks',
        'idempotency_keys',
        'deleted_sessions',
        'greenroom_queue.job_common',
      ],
    ),
  ];
}
