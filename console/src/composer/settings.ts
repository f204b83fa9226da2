import type { Session } from '@greenroom/client';

export const modes = ['default', 'acceptEdits', 'plan', 'bypassPermissions'] as const;
export type Mode = (typeof modes)[number];

export const efforts = ['low', 'medium', 'high', 'xhigh', 'max'] as const;
export type Effort = (typeof efforts)[number];

export type Settings = { model: string | null; mode: Mode; effort: Effort | null };

/** Of the session's options those that are changed beside the text. A newer server may have values that are not known. */
export function readSettings({ model, permission_mode: mode, effort }: Session['options']): Settings {
  return {
    model: typeof model === 'string' ? model : null,
    mode: modes.find((name) => name === mode) ?? 'default',
    effort: efforts.find((name) => name === effort) ?? null,
  };
}
