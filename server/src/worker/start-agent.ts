import { randomUUID } from 'node:crypto';
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { AgentProcess } from '../agent/agent-process.ts';
import { agentEnvironment, type SessionDirectories, sessionDirectories } from '../agent/environment.ts';
import { permissionCallbacks } from '../agent/permissions.ts';
import { createTranscriptStore } from '../agent/transcript-store.ts';
import type { GatewayAccess } from '../gateway/gateway.ts';
import type { SessionRow } from '../session/store.ts';
import type { ApprovalDesk } from './approval-desk.ts';
import type { WorkerServices } from './services.ts';
import type { BegunTurn } from './store.ts';

export type StartedAgent = {
  process: AgentProcess;
  access: GatewayAccess;
  /** From now on nothing of what it notes is kept; resolves when all before that is. */
  seal: () => Promise<void>;
};

export type StartPlan = {
  session: SessionRow;
  fence: number;
  /** Whether there is a conversation to resume. */
  conversationExists: boolean;
  /** How it goes on with a turn that was cut off; null when it does not. */
  continuation: BegunTurn['continuation'];
  desk: ApprovalDesk;
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
  const directories = sessionDirectories(services.dataDir, plan.session.id);
  await prepareDirectories(directories, plan);
  const called = Promise.withResolvers<void>();
  services
    .startLimit(async () => {
      const { id: sessionId, tenant_id: tenantId } = plan.session;
      const { fence } = plan;
      const access = await services.gateway.admit({ tenantId, sessionId, fence, socketPath: null });
      let started: StartedAgent | undefined;
      try {
        onTurn(() => {
          started = start(services, plan, { directories, access });
          return started;
        });
      } catch (error) {
        access.revoke();
        throw error;
      }
      called.resolve();
      await Promise.race([started?.process.ready, delay(START_PATIENCE_MS, undefined, { ref: false })]);
    })
    .catch(called.reject);
  await called.promise;
}

function start(
  services: WorkerServices,
  plan: StartPlan,
  { directories, access }: { directories: SessionDirectories; access: GatewayAccess },
): StartedAgent {
  const { db, driver, defaultModel, nodeId, path } = services;
  const { session, fence, desk, continuation } = plan;
  const { options } = session;
  const transcript = createTranscriptStore({ db, sessionId: session.id, fence });
  const { env: requested = {}, background_tasks: backgroundTasks = false } = options;
  const process = new AgentProcess({
    driver,
    // One process's: the end of an earlier one must not find this one.
    mark: `${nodeId}/${session.id}/${fence}/${randomUUID()}`,
    requested: { ...options, allowed_tools: [...(options.allowed_tools ?? []), ...grantedRules(session)] },
    defaultModel,
    cwd: session.cwd ?? directories.workspace,
    environment: agentEnvironment({
      ...{ directories, sessionId: session.id, gateway: access, path, requested, backgroundTasks },
      rerunsTurn: continuation === 'rerun',
    }),
    sessionStore: transcript,
    conversation: { id: session.claude_session_id ?? session.id, exists: plan.conversationExists },
    budgetUsd: session.max_budget_usd === null ? null : session.max_budget_usd - session.cost_usd,
    asks: permissionCallbacks(async (call) => await desk.decide(call), {
      tools: options.approvals === 'ask',
      clientTools: options.client_tools ?? [],
    }),
    answerClientTool: async (call) => await desk.answerClientTool(call),
  });
  return { process, access, seal: async () => await transcript.seal() };
}

function grantedRules(session: SessionRow): string[] {
  return session.grants.flatMap((grant) => ('rule' in grant ? [grant.rule] : []));
}

async function prepareDirectories(directories: SessionDirectories, plan: StartPlan): Promise<void> {
  const own = [directories.home, directories.temporary, directories.workspace];
  await Promise.all(own.map(async (path) => await mkdir(path, { recursive: true, mode: 0o700 })));
  // What a killed server left of a conversation that never reached the store would block its id.
  if (!plan.conversationExists) {
    await rm(join(directories.home, '.claude', 'projects'), { recursive: true, force: true });
  }
  await requireDirectory(plan.session.cwd ?? directories.workspace);
}

// The SDK's own message for a missing directory speaks of a missing program.
async function requireDirectory(path: string): Promise<void> {
  const isDirectory = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isDirectory) throw new Error(`the working directory ${path} does not exist any more`);
}
