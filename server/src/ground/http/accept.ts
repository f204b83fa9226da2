type Range = { name: string; quality: number };

/** Whether a client asks for HTML rather than for JSON. One that takes anything alike gets JSON. */
export function prefersHtml(accept: string | undefined): boolean {
  const ranges = parseRanges(accept);
  const html = qualityOf(ranges, ['text/html']);
  return html > 0 && html > qualityOf(ranges, ['application/json', 'application/*', '*/*']);
}

/** Which of the content codings that are offered a client takes. */
export function acceptedEncodings(header: string | undefined, offered: readonly string[]): string[] {
  const ranges = parseRanges(header);
  return offered.filter((name) => qualityOf(ranges, [name, '*']) > 0);
}

/** Of the first name that is listed: they go from the particular to the general. */
function qualityOf(ranges: readonly Range[], names: readonly string[]): number {
  const listed = names.map((name) => ranges.find((range) => range.name === name));
  return listed.find((range) => range !== undefined)?.quality ?? 0;
}

function parseRanges(header = ''): Range[] {
  return header.split(',').map((part) => {
    const [name = '', ...parameters] = part.split(';').map((piece) => piece.trim().toLowerCase());
    const quality = parameters.find((parameter) => /^q\s*=/.test(parameter))?.split('=')[1];
    return { name, quality: quality === undefined ? 1 : Number(quality) || 0 };
  });
}
