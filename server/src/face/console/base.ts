/**
 * From a page below `/console/` back to it, whatever a proxy puts before: the server never knows its own prefix.
 *
 * @param path as the browser has it, percent-escapes and all: those hide no slash from it
 */
export function baseOf(path: string): string {
  const [, , ...below] = path.split('/').slice(0, -1);
  return below.length === 0 ? './' : '../'.repeat(below.length);
}

/** First in the head, so that it holds for every URL of the page. */
export function insertBase(html: string, base: string): string {
  return html.replace(/<head(?:\s[^>]*)?>/i, (head) => `${head}<base href="${base}">`);
}
