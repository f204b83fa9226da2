import type { SessionSummary } from '@greenroom/client';

/** For tests: a session that ended and was read. */
export function sampleSummary(given: Partial<SessionSummary> = {}): SessionSummary {
  return {
    session_id: sampleId(1),
    state: 'idle',
    status: 'completed',
    waiting_for: null,
    pending_approvals: 0,
    activity: null,
    title: null,
    prompt: 'introduce yourself',
    model: 'claude-sonnet-5',
    permission_mode: 'default',
    metadata: {},
    metadata_omitted: 0,
    archived: false,
    pinned: false,
    read_seq: 9,
    marked_at: null,
    error: null,
    cost_usd: 0.12,
    tokens: { input: 1_000, output: 200, total: 1_200 },
    turn_count: 1,
    message_count: 3,
    last_seq: 9,
    parent_id: null,
    api_key_id: null,
    created_at: '2026-12-01T00:00:00.000Z',
    started_at: '2026-12-01T00:00:01.000Z',
    ended_at: '2026-12-01T00:00:09.000Z',
    updated_at: '2026-12-01T00:00:09.000Z',
    ...given,
  };
}

/** The ids of sessions grow with time. */
export function sampleId(number: number): string {
  return `019ad000-0000-7000-8000-${String(number).padStart(12, '0')}`;
}
