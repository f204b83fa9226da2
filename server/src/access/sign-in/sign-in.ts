import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';

export const SIGN_IN_SECONDS = 30 * 86_400;
export const CODE_SECONDS = 900;

const secret = z.string().trim().min(1).max(200);

/** `POST /sign-in` */
export const signInRequest = z
  .strictObject({
    api_key: secret.optional().describe('Exchanged for the cookie; the page can forget it.'),
    code: secret.optional().describe('Of a link that the server printed: 15 minutes, once.'),
  })
  .refine(({ api_key, code }) => (api_key === undefined) !== (code === undefined), {
    error: 'give either api_key or code',
  })
  .meta({ id: 'SignInRequest', examples: [{ api_key: 'grk_…' }] });

export const signOutQuery = z.strictObject({
  everywhere: z
    .enum(['true', 'false'])
    .default('false')
    .describe('Ends every sign-in of the same API key, on all devices.'),
});

/** What a browser's cookie holds: 256 random bits, which need no slow hash. */
export function newSignInSecret(): string {
  return `grs_${randomBytes(32).toString('base64url')}`;
}

export function newCode(): string {
  return `grc_${randomBytes(32).toString('base64url')}`;
}

export function isSignInSecret(text: string): boolean {
  return /^grs_[A-Za-z0-9_-]{43}$/.test(text);
}

export function isCode(text: string): boolean {
  return /^grc_[A-Za-z0-9_-]{43}$/.test(text);
}

export function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** Where a one-time code is used: behind `#`, which no server and no proxy gets to see. */
export function signInLink(baseUrl: string, code: string): string {
  return `${baseUrl.replace(/\/+$/, '')}/console/sign-in#code=${code}`;
}
