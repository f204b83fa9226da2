import { version } from '../../ground/version.ts';

/** What there is, for whoever asks at the root. */
export const welcome = {
  name: 'greenroom',
  message: 'Claude Agent SDK API',
  version,
  endpoints: {
    execute: 'POST /execute/ - Start a session, or resume one; /execute/validate only checks',
    status: 'GET /status/{session_id} - Status, messages and result',
    cancel: 'POST /cancel/{session_id} - Cancel a session that waits or runs',
    sessions: 'GET /sessions/ - List sessions, newest first',
    session: 'GET /sessions/{session_id} - One session with its turns, usage and place in the queue',
    delete: 'DELETE /sessions/{session_id} - Delete a session that does not run',
    cleanup: 'DELETE /sessions/cleanup - Delete sessions that ended long ago',
    settings: 'PATCH /sessions/{session_id} - Change its settings, also while it works',
    events: 'GET /sessions/{session_id}/events, GET /events - Pages, or a live stream (text/event-stream)',
    turns: 'GET /sessions/{session_id}/turns, /tasks - What each turn gave and cost; background tasks',
    messages:
      'POST /sessions/{session_id}/messages - Queue, steer or interrupt; GET, PATCH, DELETE while they wait',
    interrupt: 'POST /sessions/{session_id}/interrupt - Stop the turn, keep the session',
    approvals: 'GET /approvals, POST /approvals/{approval_id} - What agents wait on, and the answers',
    presets: 'GET, POST /presets; GET, PATCH, DELETE /presets/{preset_id} - Saved requests',
    fork: 'POST /sessions/{session_id}/fork - A new session from any event',
    files: 'GET, PUT, DELETE /sessions/{session_id}/files/{path}; GET /archive, /changes; POST /rewind',
    signIn: 'POST /sign-in, /sign-out - A browser signs in with a key; GET /me - Who asks, and what they may',
    console: 'GET /console/ - This server in a browser',
    audit: 'GET /audit - Who did what; POST /stream-tickets - Event streams for EventSource',
    health: 'GET /healthz, /readyz, /version',
    openapi: 'GET /openapi.json - This API, described',
  },
};
