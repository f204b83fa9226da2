/** Of a query: `a,b` and `name=a&name=b` alike. */
export function asList(value: unknown): unknown {
  return value === undefined ? undefined : [value].flat().flatMap((part) => String(part).split(','));
}
