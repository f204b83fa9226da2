const MASK = '[redacted]';
// Shorter ones would mask half of what is said.
const MIN_KNOWN_LENGTH = 6;

/**
 * What no log may hold, by its looks: API keys, sign-ins and their links, authorization, cookies, stream tickets, passwords in URLs. Quotes may be
 * escaped several times, since a log line holds JSON in JSON. What repeats is bounded: lines hold what strangers sent.
 */
const rules: [RegExp, string][] = [
  [/grk_[A-Za-z0-9_-]+/g, `grk_${MASK}`],
  [/gr([cs])_[A-Za-z0-9_-]{20,}/g, `gr$1_${MASK}`],
  [/(?<=\\[nrt]|\b)sk-[A-Za-z0-9_-]{6,}/g, `sk-${MASK}`],
  [
    /((?<!\\)\\{0,15}["'])((?:proxy-)?authorization|x-api-key|(?:set-)?cookie)\1(\s{0,9}[:,]\s{0,9})\1(?:(?!(?<!\\)\1).)*\1/gi,
    `$1$2$1$3$1${MASK}$1`,
  ],
  [
    /((?:proxy-)?authorization|x-api-key|(?:set-)?cookie)([:=]\s*)(?!\s{0,9}\\{0,15}["'])(?:(?!\\[rn])[^\r\n"'])+/gi,
    `$1$2${MASK}`,
  ],
  [/(?<=\\[nrt]|\b)(Bearer|Basic)\s+(?!\[redacted)[A-Za-z0-9._~+/=-]+/gi, `$1 ${MASK}`],
  [/([?&](?:ticket|password|sslpassword)=)[^&\s"'\\#]+/gi, `$1${MASK}`],
  [/\b([a-z][a-z0-9+.-]{0,20}:\/\/[^\s:/@"'\\]{0,200}):[^\s@/"'\\]{1,500}@/gi, `$1:${MASK}@`],
];

/** The one redactor for logs. `secrets` are masked wherever they stand, whatever they look like. */
export function createRedactor(secrets: readonly string[] = []): (text: string) => string {
  const known = secrets
    .filter((secret) => secret.length >= MIN_KNOWN_LENGTH)
    .toSorted((a, b) => b.length - a.length);
  return (text) => {
    const withoutKnown = known.reduce((rest, secret) => rest.replaceAll(secret, MASK), text);
    return rules.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), withoutKnown);
  };
}
