/* Names for files that somebody gives: what they are called on another machine may be no name here. */

/** In bytes of UTF-8: file systems take 255, and a number may have to come in. */
const MAX_BYTES = 200;

/** One name, and no way to another directory: without slashes, control and invisible characters, or dots at its start. */
export function safeFileName(name: string): string {
  const safe = name
    .normalize('NFC')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: those are the ones that are meant
    .replace(/[\u0000-\u001f\u007f\u0080-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, '')
    .replace(/[/\\"<>|:*?]/g, '_')
    .replace(/^[.\s]+|[.\s]+$/g, '');
  return cut(safe === '' ? 'file' : safe);
}

/** The first is the name itself: `a.txt`, `a-2.txt`, `a-3.txt`. */
export function numberedName(name: string, number: number): string {
  if (number === 1) return name;
  const [stem, extension] = split(name);
  return `${stem}-${number}${extension}`;
}

function cut(name: string): string {
  let [stem, extension] = split(name);
  while (bytes(stem + extension) > MAX_BYTES) stem = [...stem].slice(0, -1).join('');
  return stem + extension;
}

function split(name: string): [stem: string, extension: string] {
  const dot = name.lastIndexOf('.');
  const isExtension = dot > 0 && name.length - dot <= 16;
  return isExtension ? [name.slice(0, dot), name.slice(dot)] : [name, ''];
}

function bytes(text: string): number {
  return new TextEncoder().encode(text).length;
}
