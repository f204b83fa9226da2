import { z } from 'zod';
import { fileChange } from './diff.ts';

export const changesView = z
  .object({
    base: z.literal('start').describe('What is compared with: the workspace when the session began.'),
    files: z.array(fileChange),
    diff: z.string().describe('Unified, as git writes it.'),
    truncated: z.boolean().describe('There is more: 5,000 files and 2 MB of diff at most.'),
    omitted_files: z.array(z.string()).describe('Not looked at: larger than 32 MB, or not readable.'),
  })
  .meta({ id: 'WorkspaceChanges' });

export const rewindRequest = z
  .strictObject({
    to: z.string().describe('A turn_id: the files become what they were when it began. Or `start`.'),
    dry_run: z.boolean().default(false).describe('Only say what would be changed.'),
  })
  .meta({ id: 'RewindRequest', examples: [{ to: 'start' }] });

export const rewindView = z
  .object({
    files_changed: z.array(z.string()),
    insertions: z.number().int(),
    deletions: z.number().int(),
    dry_run: z.boolean(),
    conflicts: z
      .array(z.object({ path: z.string(), reason: z.string() }))
      .describe('Files that could not be restored.'),
  })
  .meta({ id: 'Rewind' });
