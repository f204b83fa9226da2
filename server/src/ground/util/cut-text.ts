const graphemes = new Intl.Segmenter('und', { granularity: 'grapheme' });

// What one reader takes for one character is cut apart only where it alone is too long.
const LONGEST_GRAPHEME = 64;

/** The beginning of a text that fits into `maxBytes` of UTF-8, cut between characters. */
export function cutText(text: string, maxBytes: number): string {
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(maxBytes));
  if (read === text.length) return text;
  const start = Math.max(0, read - LONGEST_GRAPHEME);
  const around = text.slice(start, read + LONGEST_GRAPHEME);
  const { index } = graphemes.segment(around).containing(read - start) ?? { index: 0 };
  return text.slice(0, index === 0 ? read : start + index);
}
