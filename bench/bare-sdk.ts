import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { type Options, query } from '@anthropic-ai/claude-agent-sdk';
import { agentEnvironment } from '../server/src/engine/agent/environment.ts';
import { agentOptions } from '../server/src/engine/agent/options.ts';
import { sessionDirectories } from '../server/src/session/directories.ts';

export type BareSetup = {
  /** Session directories are made here, and removed again. */
  directory: string;
  modelUrl: string;
  /** Search path of the agent. */
  path: string;
  prompt: string;
  abort: AbortController;
};

/** Milliseconds from the call of `query()`. */
export type BareTimes = { firstAssistant: number; result: number };

/**
 * One cold `query()` as a program without Greenroom would write it: the same tools, settings and environment, a string
 * as the prompt, the SDK's own spawn, the transcript in the SDK's own file, and no gateway between agent and model.
 * Preparing the directories is not on the clock, though it is for Greenroom.
 */
export async function measureBareSdk(setup: BareSetup): Promise<BareTimes> {
  const sessionId = randomUUID();
  const directories = sessionDirectories(setup.directory, sessionId);
  for (const path of [directories.home, directories.temporary, directories.workspace])
    await mkdir(path, { recursive: true, mode: 0o700 });
  const environment = agentEnvironment({
    view: { ...directories, gatewaySocket: null, proxyExceptions: null, extraCaCerts: null },
    sessionId,
    gateway: { url: setup.modelUrl, token: 'no-key-needed' },
    path: setup.path,
    requested: {},
    backgroundTasks: false,
    rerunsTurn: false,
    cloud: {},
    proxy: {},
    modelWaitMs: 600_000,
  });
  const options = bareOptions(directories.workspace, sessionId, environment);
  try {
    return await runQuery(setup, { ...options, abortController: setup.abort });
  } finally {
    await rm(directories.root, { recursive: true, force: true });
  }
}

/** Greenroom's options without what ties an agent to a server: its process driver and the transcript's mirror. */
function bareOptions(cwd: string, sessionId: string, environment: Record<string, string>): Options {
  const { spawnClaudeCodeProcess, sessionStore, sessionStoreFlush, ...options } = agentOptions({
    requested: {},
    defaultModel: null,
    nameModel: (model) => model,
    cwd,
    environment,
    conversation: { id: sessionId, exists: false },
    sessionStore: { append: unused, load: unused },
    asks: null,
    answerClientTool: null,
    spawn: unused,
  });
  return options;
}

function unused(): never {
  throw new Error('the bare SDK uses its own');
}

async function runQuery(setup: BareSetup, options: Options): Promise<BareTimes> {
  let firstAssistant: number | undefined;
  let result: number | undefined;
  const startedAt = performance.now();
  for await (const message of query({ prompt: setup.prompt, options })) {
    const now = performance.now() - startedAt;
    if (message.type === 'assistant') firstAssistant ??= now;
    if (message.type === 'result') {
      if (message.is_error) throw new Error(`the bare SDK's turn failed: ${JSON.stringify(message)}`);
      result = now;
    }
  }
  if (firstAssistant === undefined || result === undefined)
    throw new Error('the bare SDK ended without an answer');
  return { firstAssistant, result };
}
