import { sep } from 'node:path';

/** True when `path` is `root` or lies in it. Both must be absolute and already free of symbolic links. */
export function isInside(path: string, root: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
}
