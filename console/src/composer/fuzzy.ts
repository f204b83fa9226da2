/* Paths by what is typed of them: the best first. */

export type FilePath = { path: string; isDirectory: boolean };
export type IndexedPath = FilePath & { folded: string; nameAt: number; depth: number };

/** Made once for all that is typed. Composed characters: some systems keep names of files decomposed. */
export function indexPaths(paths: readonly FilePath[]): IndexedPath[] {
  return paths.map(({ path, isDirectory }) => {
    const folded = fold(path);
    const nameAt = folded.lastIndexOf('/') + 1;
    return { path, isDirectory, folded, nameAt, depth: folded.split('/').length };
  });
}

function fold(text: string): string {
  return text.normalize('NFC').toLowerCase();
}

/** Without a query those nearest to the root. */
export function rankPaths(paths: readonly IndexedPath[], query: string, limit: number): IndexedPath[] {
  const wanted = fold(query);
  const found = paths.flatMap((entry) => {
    const score = wanted === '' ? -entry.depth : scoreOf(entry, wanted);
    return score === null ? [] : [{ entry, score }];
  });
  found.sort((a, b) => b.score - a.score || compare(a.entry.path, b.entry.path));
  return found.slice(0, limit).map(({ entry }) => entry);
}

/** Null where the letters are not there in their order. Among alikes the shorter path is meant. */
function scoreOf({ folded, nameAt }: IndexedPath, wanted: string): number | null {
  const short = -folded.length / 10;
  if (folded.startsWith(wanted, nameAt)) return 1_000 + short;
  const inName = folded.indexOf(wanted, nameAt);
  if (inName !== -1) return (isBoundary(folded, inName) ? 900 : 800) + short;
  const inPath = folded.indexOf(wanted);
  if (inPath !== -1) return (isBoundary(folded, inPath) ? 700 : 600) + short;
  const scattered = scoreScattered(folded, wanted);
  return scattered === null ? null : scattered + short;
}

function scoreScattered(folded: string, wanted: string): number | null {
  let at = -1;
  let score = 0;
  for (const letter of wanted) {
    const next = folded.indexOf(letter, at + 1);
    if (next === -1) return null;
    score += isBoundary(folded, next) ? 8 : next === at + 1 ? 5 : 0;
    at = next;
  }
  return score;
}

function isBoundary(text: string, index: number): boolean {
  return index === 0 || '/._- '.includes(text.charAt(index - 1));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
