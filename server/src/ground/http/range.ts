/** The part of a file that a `Range` header asks for; `whole` where it asks for none that we know. */
export type ByteRange =
  | { kind: 'whole' }
  | { kind: 'part'; start: number; length: number }
  | { kind: 'unsatisfiable' };

const single = /^bytes=(\d*)-(\d*)$/;

/** RFC 9110, one range: several at once, other units and what is malformed are ignored, as it allows. */
export function parseRange(header: string | undefined, size: number): ByteRange {
  const [, first = '', last = ''] = single.exec(header?.replace(/\s/g, '') ?? '') ?? [];
  if (first === '' && last === '') return { kind: 'whole' };
  if (first === '') return partOf(Math.max(0, size - Number(last)), size - 1);
  if (last !== '' && Number(last) < Number(first)) return { kind: 'whole' };
  return partOf(Number(first), last === '' ? size - 1 : Math.min(Number(last), size - 1));
}

function partOf(start: number, end: number): ByteRange {
  return start > end ? { kind: 'unsatisfiable' } : { kind: 'part', start, length: end - start + 1 };
}
