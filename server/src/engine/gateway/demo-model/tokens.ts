/** Cuts a text into the pieces that the demo model counts and paces as tokens. Joined, they are the text. */
export function tokensOf(text: string): string[] {
  return text.match(/\s*\S{1,6}|\s+$/gu) ?? [];
}

/** About the tokens in this much JSON or text. */
export function estimateTokens(characters: number): number {
  return Math.ceil(characters / 4);
}
