import { z } from 'zod';
import { labelFields } from '../../session/session.ts';
import { promptFields, readPrompt, refusePrompt } from '../../session/turn/prompt.ts';
import { sessionView } from '../../session/view.ts';
import type { ForkRequest } from './service.ts';

/** `POST /sessions/{session_id}/fork`; without a body it copies the whole session. */
export const forkRequest = z
  .strictObject({
    at: z
      .int()
      .min(1)
      .nullish()
      .describe('The `seq` of the last event that the fork begins with; without it, of the newest one.'),
    ...promptFields,
    title: labelFields.title.nullish().describe("A name for people; without it the session's."),
  })
  .superRefine(requirePromptOrNone, { when: () => true })
  .nullish()
  .meta({ id: 'ForkRequest', examples: [{ at: 12, prompt: 'Try it with a queue instead.' }] });

function requirePromptOrNone(request: unknown, context: z.RefinementCtx): void {
  if (typeof request !== 'object' || request === null || !hasPrompt(request)) return;
  const message = refusePrompt(request);
  if (message !== null) context.addIssue({ code: 'custom', path: ['prompt'], message });
}

function hasPrompt({ prompt = null, content = null }: { prompt?: unknown; content?: unknown }): boolean {
  return prompt !== null || content !== null;
}

export function readForkRequest(body: z.infer<typeof forkRequest>): Omit<ForkRequest, 'asker' | 'once'> {
  const request = body ?? {};
  return {
    at: request.at ?? null,
    prompt: hasPrompt(request) ? readPrompt(request) : null,
    title: request.title ?? null,
    metadata: null,
    maxBudgetUsd: null,
    options: {},
    cwd: null,
  };
}

export const forkView = sessionView
  .extend({
    omitted_files: z.array(z.string()).describe('Of the workspace, not copied: closed to the server.'),
  })
  .meta({ id: 'Fork' });
