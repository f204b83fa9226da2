import { AsyncLocalStorage } from 'node:async_hooks';

/** Whose work the Agent SDK does. */
export type SdkScope = { fail: (error: unknown) => void };

const scopes = new AsyncLocalStorage<SdkScope>();

const sdkDirectory = new URL('.', import.meta.resolve('@anthropic-ai/claude-agent-sdk')).href;

/** Runs `work`; what the SDK begins in it, now and later, is known to be of that scope. */
export function withinScope<T>(scope: SdkScope, work: () => T): T {
  return scopes.run(scope, work);
}

/**
 * Gives a failure that nobody caught to whose it is: an error that the SDK's own code threw, in what it does for one
 * agent, ends that agent. To be called in the handler of the failure.
 *
 * @returns false when it is nobody's: a bug of this server
 */
export function giveToScope(error: unknown): boolean {
  const scope = scopes.getStore();
  if (scope === undefined || !isThrownBySdk(error)) return false;
  scope.fail(error);
  return true;
}

/** Our own callbacks run in the scope as well, so the innermost code of any module decides. */
function isThrownBySdk(error: unknown): boolean {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const innermost = stack.split('\n').find((line) => /^\s+at .*file:/.test(line));
  return innermost?.includes(sdkDirectory) ?? false;
}
