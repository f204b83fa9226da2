import { z } from 'zod';
import { type FileChange, fileChange } from './diff.ts';

export const changesView = z
  .object({
    base: z
      .string()
      .describe(
        'What is compared with: the workspace at the `start` of the session, or before a turn (its id).',
      ),
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

/** `create`: it is missing now. `restore`: it is another one. `delete`: it was not there. */
const rewoundFile = z.object({
  path: z.string(),
  action: z.enum(['create', 'restore', 'delete']),
  additions: z.number().int(),
  deletions: z.number().int(),
  binary: z.boolean(),
});

const actions = { added: 'create', modified: 'restore', renamed: 'restore', deleted: 'delete' } as const;

/** From what is there to what was. */
export function toRewound(changes: readonly FileChange[]): z.infer<typeof rewoundFile>[] {
  return changes.map(({ path, status, additions, deletions, binary }) => {
    return { path, action: actions[status], additions, deletions, binary };
  });
}

export const rewindView = z
  .object({
    files_changed: z.array(z.string()),
    insertions: z.number().int(),
    deletions: z.number().int(),
    dry_run: z.boolean(),
    files: z
      .array(rewoundFile)
      .describe('What is done to each file, and the lines that come and go; 5,000 at most.'),
    truncated: z.boolean().describe('There are more files.'),
    conflicts: z
      .array(z.object({ path: z.string(), reason: z.string() }))
      .describe('Files that could not be restored.'),
  })
  .meta({ id: 'Rewind' });
