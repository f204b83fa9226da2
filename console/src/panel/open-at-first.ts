import type { FileChange } from '@greenroom/client';

/** Larger ones are opened by hand. */
const LINES_OF_ONE = 300;
/** An agent may change thousands of files: no page shows them all at once. */
const LINES_OF_ALL = 1_500;
const MOST_FILES = 100;

/** The paths of the files whose lines are shown without being asked for. */
export function openAtFirst(
  files: readonly Pick<FileChange, 'path' | 'additions' | 'deletions'>[],
): ReadonlySet<string> {
  const open = new Set<string>();
  let left = LINES_OF_ALL;
  for (const { path, additions, deletions } of files) {
    const lines = additions + deletions;
    if (lines > LINES_OF_ONE || lines > left || open.size === MOST_FILES) continue;
    left -= lines;
    open.add(path);
  }
  return open;
}
