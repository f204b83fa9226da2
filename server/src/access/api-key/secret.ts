import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** `grk_<id of the key>_<32 random bytes>`: recognizable to scanners, and found by its id. */
const FORM = /^grk_([0-9a-f]{20})_[A-Za-z0-9_-]{43}$/;

/** Sorts by creation time. */
export function newKeyId(now = Date.now()): string {
  return now.toString(16).padStart(12, '0') + randomBytes(4).toString('hex');
}

/** A new secret of the key, as its holder sends it. */
export function newSecret(keyId: string): string {
  return `grk_${keyId}_${randomBytes(32).toString('base64url')}`;
}

/** The id of the key that a secret belongs to; null when the text is none. */
export function readKeyId(secret: string): string | null {
  return FORM.exec(secret)?.[1] ?? null;
}

export function hashSecret(secret: string, pepper: Buffer): Buffer {
  return createHmac('sha256', pepper).update(secret).digest();
}

export type SecretHashes = {
  hash: Buffer;
  previous_hash: Buffer | null;
  previous_expires_at: Date | null;
};

/** Whether it is a secret of the key that still opens. Takes as long whichever byte differs. */
export function opens(key: SecretHashes, hash: Buffer, now: Date): boolean {
  const isCurrent = timingSafeEqual(key.hash, hash);
  const isPrevious = key.previous_hash !== null && timingSafeEqual(key.previous_hash, hash);
  return isCurrent || (isPrevious && key.previous_expires_at !== null && key.previous_expires_at > now);
}
