/** What a model request used, by kind. */
export type Tokens = {
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite5m: number;
  cacheWrite1h: number;
  webSearches: number;
};

export const noTokens: Tokens = {
  input: 0,
  output: 0,
  cacheRead: 0,
  cacheWrite5m: 0,
  cacheWrite1h: 0,
  webSearches: 0,
};

export function combine(one: Tokens, other: Tokens, how: (a: number, b: number) => number): Tokens {
  const names = Object.keys(noTokens) as (keyof Tokens)[];
  return Object.fromEntries(names.map((name) => [name, how(one[name], other[name])])) as Tokens;
}

export function addTokens(one: Tokens, other: Tokens): Tokens {
  return combine(one, other, (a, b) => a + b);
}
