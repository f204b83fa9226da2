import { optionDefaults } from '../options/fields.ts';
import type { SessionRow } from '../store.ts';
import type { TokenUsage } from '../turn/turn.ts';
import type { SessionState, SessionSummary } from './summary.ts';

type ShownColumn =
  | 'id'
  | 'status'
  | 'waiting_for'
  | 'activity'
  | 'title'
  | 'prompt'
  | 'model'
  | 'permission_mode'
  | 'metadata'
  | 'is_archived'
  | 'error'
  | 'cost_usd'
  | 'usage'
  | 'turn_count'
  | 'message_count'
  | 'last_seq'
  | 'parent_id'
  | 'api_key_id'
  | 'created_at'
  | 'started_at'
  | 'ended_at'
  | 'updated_at';

/** A session as the list has it, with what one reader noted. */
export type SummaryRow = Pick<SessionRow, ShownColumn> & {
  reader: string;
  state: SessionState;
  pending_approvals: number;
  is_pinned: boolean;
  read_seq: number;
  marked_at: Date | null;
};

// So that a frame of a stream stays small: a session may have 30,000 characters of it.
const METADATA_CHARACTERS = 2_000;

export function toSummary(row: SummaryRow): SessionSummary {
  const { metadata, omitted } = firstOf(row.metadata);
  return {
    session_id: row.id,
    state: row.state,
    status: row.status,
    waiting_for: row.waiting_for,
    pending_approvals: row.pending_approvals,
    // A session whose server was killed may still have one.
    activity: row.status === 'running' ? row.activity : null,
    title: row.title,
    prompt: row.prompt,
    model: row.model,
    permission_mode: row.permission_mode ?? optionDefaults.permission_mode,
    metadata,
    metadata_omitted: omitted,
    archived: row.is_archived,
    pinned: row.is_pinned,
    read_seq: row.read_seq,
    marked_at: row.marked_at?.toISOString() ?? null,
    error: row.error,
    cost_usd: row.cost_usd,
    tokens: countTokens(row.usage),
    turn_count: row.turn_count,
    message_count: row.message_count,
    last_seq: row.last_seq,
    parent_id: row.parent_id,
    api_key_id: row.api_key_id,
    created_at: row.created_at.toISOString(),
    started_at: row.started_at?.toISOString() ?? null,
    ended_at: row.ended_at?.toISOString() ?? null,
    updated_at: row.updated_at.toISOString(),
  };
}

function firstOf(given: Record<string, string>): { metadata: Record<string, string>; omitted: number } {
  let room = METADATA_CHARACTERS;
  const all = Object.entries(given);
  const shown = all.filter(([key, value]) => {
    room -= key.length + value.length;
    return room >= 0;
  });
  return { metadata: Object.fromEntries(shown), omitted: all.length - shown.length };
}

function countTokens(usage: Partial<TokenUsage>): SessionSummary['tokens'] {
  const { input_tokens = 0, cache_read_input_tokens = 0, cache_creation_input_tokens = 0 } = usage;
  const input = input_tokens + cache_read_input_tokens + cache_creation_input_tokens;
  const { output_tokens: output = 0 } = usage;
  return { input, output, total: input + output };
}
