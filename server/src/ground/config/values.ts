/* What values of options may be, and what they become. */
import { z } from 'zod';
import { isAddressRange } from '../util/ip-address.ts';

// Not `z.coerce.number()`, to which null, true and "" are numbers.
const numeral = z
  .string()
  .trim()
  .regex(/^\d+(\.\d+)?$/);
export const number = z.union([z.number(), numeral.transform(Number)], { error: 'expected a number' });

export const flag = z.union(
  [z.boolean(), z.stringbool({ truthy: ['true', '1', 'yes'], falsy: ['false', '0', 'no'] })],
  {
    error: 'expected true or false',
  },
);

export const text = z.string().trim().min(1, 'must not be empty');

/** `a, b` and `["a", "b"]` alike; `none` is an empty list. */
export const commaList = <Item extends z.ZodType<unknown, string>>(item: Item) =>
  z.preprocess((value) => {
    if (typeof value !== 'string') return value;
    return value.trim() === 'none' ? [] : value.split(',').map((part) => part.trim());
  }, z.array(item));

/** `null` is what pages from files have, and frames without an origin of their own. */
export const origin = text.transform((value, context) => {
  if (value === 'null') return value;
  const url = URL.canParse(value) ? new URL(value) : null;
  if (url !== null && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`) return url.origin;
  context.addIssue({ code: 'custom', message: 'expected origins such as https://console.example' });
  return z.NEVER;
});

export const addressRange = text.refine(isAddressRange, 'expected addresses or ranges such as 10.0.0.0/8');

const unitBytes: Record<string, number> = { MB: 2 ** 20, GB: 2 ** 30 };

/** `512MB`, `2GB`. Becomes bytes. */
export const size = z
  .string('expected a size such as 512MB or 2GB')
  .trim()
  .transform((value, context) => {
    const match = /^(\d+(?:\.\d+)?)\s*(MB|GB)$/i.exec(value);
    const bytes = Number(match?.[1]) * (unitBytes[match?.[2]?.toUpperCase() ?? ''] ?? Number.NaN);
    if (Number.isFinite(bytes)) return Math.round(bytes);
    context.addIssue({ code: 'custom', message: 'expected a size such as 512MB or 2GB' });
    return z.NEVER;
  });

/** `proxy.example:3128` is one of http, as everywhere. */
export const proxyUrl = z.preprocess(
  (value) => (typeof value === 'string' && !value.includes('://') ? `http://${value}` : value),
  z
    .url({ protocol: /^https?$/, error: 'expected the http:// or https:// URL of a proxy' })
    .refine(isDecodable, 'a % in its user name or password is written %25'),
);

function isDecodable(url: string): boolean {
  const { username, password } = new URL(url);
  return !/%(?![0-9a-f]{2})/i.test(username + password);
}

export const httpUrl = z.url({ protocol: /^https?$/, error: 'expected an http:// or https:// URL' });
