import { distance } from 'fastest-levenshtein';

/** Longer ones are no mistyped names, and cost time to compare. */
const MAX_NAME_LENGTH = 100;

/** The known name nearest to a mistyped one, or undefined when nothing is near enough to be what was meant. */
export function suggest(name: string, known: readonly string[]): string | undefined {
  if (name.length > MAX_NAME_LENGTH) return undefined;
  const limit = Math.max(2, Math.floor(name.length / 3));
  const near = known
    .map((candidate) => ({ candidate, edits: distance(name.toLowerCase(), candidate.toLowerCase()) }))
    .filter(({ edits }) => edits <= limit)
    .toSorted((a, b) => a.edits - b.edits);
  return near[0]?.candidate;
}

export function didYouMean(name: string, known: readonly string[]): string {
  const nearest = suggest(name, known);
  return nearest === undefined ? '' : `; did you mean "${nearest}"?`;
}
