import { randomUUID } from 'node:crypto';
import { mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { Remover } from '../../ground/removal/remover.ts';
import { hasDescriptorPaths } from '../../ground/util/descriptors.ts';
import { forAtMost } from '../../ground/util/waiting.ts';
import { type SessionDirectories, sessionDirectories } from '../../session/directories.ts';
import { HTTP_PORT, HTTPS_PORT, remoteHostOf, revokedHost } from '../../session/options/remote-hosts.ts';
import type { SessionRow } from '../../session/store.ts';
import { Directory } from '../../workspace/directory.ts';
import { isGone } from '../../workspace/listing.ts';
import { AgentProcess } from '../agent/agent-process.ts';
import { agentEnvironment } from '../agent/environment.ts';
import { type BeforeCall, permissionCallbacks } from '../agent/permissions.ts';
import { createTranscriptStore, type TranscriptStore } from '../agent/transcript-store.ts';
import type { GatewayAccess, GatewayClient } from '../gateway/gateway.ts';
import type { BegunTurn } from '../hold/turns.ts';
import type { Sandbox } from '../isolation/driver.ts';
import type { EgressRule } from '../isolation/egress.ts';
import type { WorkerServices } from '../services.ts';
import type { ApprovalDesk } from './approval-desk.ts';
import { HeldPlaces } from './held-places.ts';
import { resetShell } from './session-directories.ts';

export type StartedAgent = {
  process: AgentProcess;
  access: GatewayAccess;
  /** Where it works; to be given back when it has ended. */
  places: HeldPlaces;
  transcript: Pick<TranscriptStore, 'flush' | 'seal'>;
};

export type StartPlan = {
  session: SessionRow;
  fence: number;
  /** Aborts when nothing more can be written with the fence. */
  failed: AbortSignal;
  /** Whether there is a conversation to resume. */
  conversationExists: boolean;
  /** How it goes on with a turn that was cut off; null when it does not. */
  continuation: BegunTurn['continuation'];
  desk: ApprovalDesk;
  /** Told of each call before its tool may run. */
  beforeCall: BeforeCall;
  /** Asked about each request of the main agent to the model: see `GatewayClient`. */
  beforeRequest: NonNullable<GatewayClient['beforeRequest']>;
  /** Told what the session's user should know of where its agent works. */
  onWarning: (warning: string) => void;
};

/** A start that takes longer no longer holds others up. */
const START_PATIENCE_MS = 30_000;

/**
 * Prepares the session's directories, waits for its turn among the starts, and calls back with the start itself, which
 * the caller may still refuse by throwing.
 */
export async function startAgent(
  services: WorkerServices,
  plan: StartPlan,
  onTurn: (start: () => StartedAgent) => void,
): Promise<void> {
  requireConfinement(services, plan.session);
  requireListedHosts(services, plan.session);
  const directories = sessionDirectories(services.dataDir, plan.session.id);
  await prepareDirectories(services, directories, plan);
  await using stack = new AsyncDisposableStack();
  const places = stack.use(await HeldPlaces.open(services, plan.session, directories.workspace));
  const sandbox = await prepareSandbox(services, plan, { directories, places });
  for (const warning of sandbox.warnings) plan.onWarning(warning);
  const called = Promise.withResolvers<void>();
  services
    .startLimit(async () => {
      const { id: sessionId, tenant_id: tenantId } = plan.session;
      const { fence, beforeRequest } = plan;
      const { socketPath } = sandbox;
      const allowedHosts = services.driver.confines
        ? (plan.session.options.network?.allowed_hosts ?? [])
        : null;
      let access: GatewayAccess | undefined;
      let started: StartedAgent | undefined;
      try {
        const client = { tenantId, sessionId, fence, socketPath, allowedHosts, beforeRequest };
        access = await services.gateway.admit(client);
        const parts = { sandbox, access, places };
        onTurn(() => {
          started = start(services, plan, parts);
          return started;
        });
      } catch (error) {
        access?.revoke();
        sandbox.release();
        throw error;
      }
      called.resolve();
      await forAtMost(START_PATIENCE_MS, started?.process.ready);
    })
    .catch(called.reject);
  await called.promise;
  stack.move(); // the agent has them now
}

/** A session may have been started where agents were isolated, and come to a node where they are not. */
function requireConfinement({ driver }: WorkerServices, { options }: SessionRow): void {
  if (options.permission_mode !== 'bypassPermissions' || driver.confines) return;
  throw new Error('bypassPermissions is not available while agents run without isolation');
}

/** What it may connect to may have been more when it was started. */
function requireListedHosts({ hosts: policy }: WorkerServices, { options, api_key_id }: SessionRow): void {
  const problem = revokedHost(options, { policy, isLocal: api_key_id === null });
  if (problem === null) return;
  throw new Error(`${problem} any more: change the option, or ask the operator (GREENROOM_EGRESS_HOSTS)`);
}

function start(
  services: WorkerServices,
  plan: StartPlan,
  { sandbox, access, places }: { sandbox: Sandbox; access: GatewayAccess; places: HeldPlaces },
): StartedAgent {
  const { db, defaultModel, mark, nameModel, path } = services;
  const { session, fence, failed, desk, continuation } = plan;
  const { options } = session;
  const transcript = createTranscriptStore({ db, sessionId: session.id, fence, failed });
  const { env: requested = {}, background_tasks: backgroundTasks = false } = options;
  const process = new AgentProcess({
    sandbox,
    // One process's: the end of an earlier one must not find this one.
    mark: `${mark}${session.id}/${fence}/${randomUUID()}`,
    requested: options,
    defaultModel,
    nameModel,
    cwd: sandbox.view.workspace,
    environment: agentEnvironment({
      view: sandbox.view,
      sessionId: session.id,
      gateway: access,
      path,
      requested,
      backgroundTasks,
      rerunsTurn: continuation === 'rerun',
      cloud: services.cloudEnvironment,
      proxy: services.driver.confines ? {} : services.proxyEnvironment,
      modelWaitMs: services.modelWaitMs,
    }),
    sessionStore: transcript,
    conversation: { id: session.claude_session_id ?? session.id, exists: plan.conversationExists },
    asks: permissionCallbacks(async (call) => await desk.decide(call), {
      tools: options.approvals === 'ask',
      clientTools: options.client_tools ?? [],
      beforeCall: plan.beforeCall,
    }),
    answerClientTool: async (call) => await desk.answerClientTool(call),
  });
  return { process, access, places, transcript };
}

async function prepareSandbox(
  { driver, hosts, proxies, extraCaCerts }: WorkerServices,
  { session }: StartPlan,
  { directories, places }: { directories: SessionDirectories; places: HeldPlaces },
): Promise<Sandbox> {
  const { home, temporary } = directories;
  const rules = egressRules(session);
  const { allowedPrivateHosts } = hosts;
  return await driver.prepare({
    home,
    temporary,
    workspace: places.workspace,
    isManaged: session.cwd === null,
    additionalDirectories: places.additional,
    egress: rules.length === 0 ? null : { rules, allowedPrivateHosts, proxies },
    extraCaCerts,
  });
}

/** What the session's agent has to connect to: hosts that it was given, and its MCP servers. */
function egressRules({ options, api_key_id }: SessionRow): EgressRule[] {
  const named = (options.network?.allowed_hosts ?? []).flatMap((host) =>
    [HTTPS_PORT, HTTP_PORT].map((port) => ({ host, port, mayBePrivate: false })),
  );
  // The local user may name servers of this machine; for others they were checked, and are checked again.
  const mayBePrivate = api_key_id === null;
  const servers = Object.values(options.mcp_servers ?? {}).flatMap((server) =>
    server.type === 'stdio' ? [] : [{ ...remoteHostOf(server.url), mayBePrivate }],
  );
  return [...named, ...servers];
}

async function prepareDirectories(
  { remover }: WorkerServices,
  directories: SessionDirectories,
  plan: StartPlan,
): Promise<void> {
  const own = [directories.home, directories.temporary, directories.workspace];
  await Promise.all(own.map(async (path) => await mkdir(path, { recursive: true, mode: 0o700 })));
  // What a killed server left of a conversation that never reached the store would block its id.
  if (!plan.conversationExists) await forgetConversation(remover, directories.home);
  await resetShell(directories.home);
}

async function forgetConversation(remover: Remover, home: string): Promise<void> {
  if (!hasDescriptorPaths) return await remover.takeSession(join(home, '.claude', 'projects'));
  try {
    // The home is the agent's: a link would lead elsewhere.
    await using directory = await Directory.openRoot(await realpath(home));
    await using configuration = await directory.open('.claude');
    await configuration.takeAway('projects', remover);
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}
