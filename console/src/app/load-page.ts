/** A part of the console did not come: the server is away, or has a newer console, of which the old parts are gone. */
export class PartNotLoadedError extends Error {}

/**
 * NOTE: the router reloads the whole page at the browser's own error, and while the server is away nothing would be left
 * of it: an error of ours stays where the page would be.
 */
export async function loadPage<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    throw new PartNotLoadedError('a part of the console could not be loaded', { cause });
  }
}

/** Also of parts that pages load by themselves: in the words of Chromium, Firefox and Safari. */
export function isPartNotLoaded(error: unknown): boolean {
  return (
    error instanceof PartNotLoadedError ||
    (error instanceof Error && /dynamically imported module|module script failed/i.test(error.message))
  );
}
