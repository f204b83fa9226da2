/** Paths of a workspace: relative to it, with slashes; `''` is the workspace itself. */

export function parentOf(path: string): string {
  const at = path.lastIndexOf('/');
  return at < 0 ? '' : path.slice(0, at);
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

export function joinPath(directory: string, name: string): string {
  return directory === '' ? name : `${directory}/${name}`;
}

/** The directories on the way to it, from the outermost on, each with its whole path. */
export function stepsTo(path: string): { name: string; path: string }[] {
  if (path === '') return [];
  const names = path.split('/');
  return names.map((name, index) => ({ name, path: names.slice(0, index + 1).join('/') }));
}

/** Below the API: each name is one segment, whatever is in it. */
export function toUrlPath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}

/** How much of a file is shown. */
export const SHOWN_BYTES = 512 * 1024;

/** Text, or null for bytes that are none. The end of what was cut off may lie within a character. */
export function decodeText(bytes: Uint8Array, isCut: boolean): string | null {
  if (bytes.subarray(0, 8_192).includes(0)) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: isCut });
  } catch {
    return null;
  }
}
