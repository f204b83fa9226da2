import { statSync } from 'node:fs';

/** What tells a data directory from a copy of it, which has the id of the node as well. It may be moved. */
export function identifyDirectory(path: string): string {
  const { dev, ino } = statSync(path, { bigint: true });
  return `${dev}-${ino}`;
}
