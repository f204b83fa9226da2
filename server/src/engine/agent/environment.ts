import { join } from 'node:path';
import type { AgentView } from '../isolation/driver.ts';
import { proxyVariables } from '../isolation/proxy-port.ts';

export type EnvironmentSource = {
  /** The paths as the agent sees them. */
  view: Pick<AgentView, 'home' | 'temporary' | 'gatewaySocket' | 'proxyExceptions' | 'extraCaCerts'>;
  sessionId: string;
  /** Where the model gateway listens, and what identifies this activation to it: not a key. */
  gateway: { url: string; token: string };
  /** Search path for the agent's tools. */
  path: string;
  /** Names that `isDeniedVariable` lets pass. */
  requested: Record<string, string>;
  /** Commands and subagents may go on after the turn that began them. */
  backgroundTasks: boolean;
  /** Of the operator's, where agents ask a cloud themselves; it wins. */
  cloud: Record<string, string>;
  /** How to get out of this network, for agents that are not confined; it wins. */
  proxy: Record<string, string>;
  /** How long the gateway lets a model API be silent at most: the agent program is to wait longer. Milliseconds. */
  modelWaitMs: number;
  /** The process goes on with a turn that was cut off, from its last complete step. */
  rerunsTurn: boolean;
};

const GATEWAY_MARGIN_MS = 60_000;

/** The whole environment of an agent process. Nothing is inherited: the server's own holds secrets. */
export function agentEnvironment(source: EnvironmentSource): Record<string, string> {
  const { view, gateway } = source;
  return {
    ...source.requested,
    PATH: source.path,
    HOME: view.home,
    TMPDIR: view.temporary,
    LANG: source.requested.LANG ?? 'C.UTF-8',
    GREENROOM_SESSION_ID: source.sessionId,
    // Without it the SDK drops the transcript mirror silently when HOME differs from the server's.
    CLAUDE_CONFIG_DIR: join(view.home, '.claude'),
    CLAUDE_CODE_TMPDIR: view.temporary,
    ANTHROPIC_BASE_URL: gateway.url,
    ANTHROPIC_API_KEY: gateway.token,
    ...(view.gatewaySocket === null ? {} : { ANTHROPIC_UNIX_SOCKET: view.gatewaySocket }),
    ...(view.proxyExceptions === null ? {} : proxyVariables(view.proxyExceptions)),
    // Settings of a repository cannot move the model traffic elsewhere, or run a helper for its key.
    CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST: '1',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    CLAUDE_CODE_DISABLE_FILE_MENTIONS: '1',
    CLAUDE_CODE_DISABLE_AUTO_MEMORY: '1',
    // One prompt, one result, unless the session wants otherwise.
    ...(source.backgroundTasks ? {} : { CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: '1' }),
    ...(source.rerunsTurn ? { CLAUDE_CODE_RESUME_INTERRUPTED_TURN: '1' } : {}),
    // The prompt is in the transcript before the first model call: a crash cannot lose it.
    CLAUDE_CODE_EAGER_FLUSH: '1',
    CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS: '1',
    CLAUDE_CODE_MAX_RETRIES: '4',
    // Until an answer begins, and in its middle. Whether it is too long is the gateway's to say.
    API_TIMEOUT_MS: String(source.modelWaitMs + GATEWAY_MARGIN_MS),
    CLAUDE_STREAM_IDLE_TIMEOUT_MS: String(source.modelWaitMs + GATEWAY_MARGIN_MS),
    MCP_TIMEOUT: '10000',
    DISABLE_AUTOUPDATER: '1',
    ...(view.extraCaCerts === null ? {} : { NODE_EXTRA_CA_CERTS: view.extraCaCerts }),
    ...source.proxy,
    ...source.cloud,
  };
}
