import { closest, distance } from 'fastest-levenshtein';

/** The known name nearest to a mistyped one, or undefined when nothing is near enough to be what was meant. */
export function suggest(name: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  const nearest = closest(name.toLowerCase(), [...known]);
  const limit = Math.max(2, Math.floor(name.length / 3));
  return distance(name.toLowerCase(), nearest.toLowerCase()) <= limit ? nearest : undefined;
}

export function didYouMean(name: string, known: readonly string[]): string {
  const nearest = suggest(name, known);
  return nearest === undefined ? '' : `; did you mean "${nearest}"?`;
}
