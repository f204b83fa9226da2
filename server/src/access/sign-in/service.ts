import { AppError } from '../../ground/errors.ts';
import { DEFAULT_TENANT, type Identity, NO_LIMITS } from '../../ground/identity.ts';
import { isKeyValid, type KeyRing } from '../api-key/key-ring.ts';
import { hashSecret } from '../api-key/secret.ts';
import { type ApiKeyRow, type ApiKeyServices, createKey, findKey, revokeKey } from '../api-key/service.ts';
import type { SignIn, SignInRing } from './ring.ts';
import { CODE_SECONDS, hashOf, isCode, newCode, newSignInSecret, SIGN_IN_SECONDS } from './sign-in.ts';
import { deleteSignIns, insertCode, insertSignIn, renewSignIn, takeCode } from './store.ts';

export type SignInServices = { apiKeys: ApiKeyServices; keys: KeyRing; ring: SignInRing };

/** With what the cookie holds, which is known only now. */
export type OpenedSignIn = { secret: string; signIn: SignIn };

/** One that is used is renewed when a day of its time has passed. */
const RENEWED_MS = (SIGN_IN_SECONDS - 86_400) * 1000;

/** For how long whoever opened a link at the terminal is signed in. */
const OPERATOR_MS = 12 * 3_600_000;

/** Throws `unauthorized` when the key opens nothing, `rate_limited` when it was used too often. */
export async function signInWithKey(services: SignInServices, apiKey: string): Promise<OpenedSignIn> {
  const { keys, apiKeys } = services;
  const identity = await keys.identify(apiKey);
  keys.takeRequest(identity);
  const pepper = apiKeys.pepper.find();
  if (pepper === null || identity.apiKeyId === null) throw new Error('a key was let in without a pepper');
  const { tenantId, apiKeyId } = identity;
  return await openSignIn(services, {
    tenantId,
    apiKeyId,
    ownsKey: false,
    keyHash: hashSecret(apiKey, pepper),
  });
}

/** Throws `unauthorized` when the code is unknown, was used, or is too old. */
export async function signInWithCode(services: SignInServices, code: string): Promise<OpenedSignIn> {
  const { apiKeys, keys } = services;
  const taken = isCode(code) ? await takeCode(apiKeys.db, hashOf(code)) : undefined;
  if (taken === undefined) throw deadCode();
  const ownsKey = taken.apiKeyId === null;
  const key = ownsKey ? await makeOperatorKey(apiKeys) : await findKey(apiKeys, taken.apiKeyId ?? '');
  if (key === undefined || !isKeyValid(key)) throw deadCode();
  keys.noticeChange(key.id);
  return await openSignIn(services, {
    tenantId: key.tenant_id,
    apiKeyId: key.id,
    keyHash: key.hash,
    ownsKey,
  });
}

function deadCode(): AppError {
  return new AppError('unauthorized', 'The link is not known here, was used, or is older than 15 minutes.', {
    hint: 'on the machine of the server, `greenroom sign-in-link` prints a new one',
  });
}

/** A key whose secret nobody has: so it is listed, audited and revoked as every other. */
async function makeOperatorKey(apiKeys: ApiKeyServices): Promise<ApiKeyRow> {
  const { key } = await createKey(apiKeys, {
    tenantId: DEFAULT_TENANT,
    name: 'signed in at the terminal',
    scopes: ['operator'],
    expiresAt: new Date(Date.now() + OPERATOR_MS),
    limits: NO_LIMITS,
    createdBy: 'sign-in link',
  });
  return key;
}

async function openSignIn(
  { apiKeys, ring }: SignInServices,
  request: { tenantId: string; apiKeyId: string; keyHash: Buffer; ownsKey: boolean },
): Promise<OpenedSignIn> {
  const secret = newSignInSecret();
  const hash = hashOf(secret);
  await insertSignIn(apiKeys.db, { ...request, hash, seconds: SIGN_IN_SECONDS });
  const signIn = await ring.find(hash);
  if (signIn !== null) return { secret, signIn };
  throw new AppError('unauthorized', 'The API key was revoked or rotated meanwhile.');
}

/** Moves the end on. @returns whether it did, and the cookie is to be sent again */
export async function renew({ apiKeys, ring }: SignInServices, signIn: SignIn): Promise<boolean> {
  if (signIn.expiresAt.getTime() - Date.now() > RENEWED_MS) return false;
  const renewed = await renewSignIn(apiKeys.db, { hash: signIn.hash, seconds: SIGN_IN_SECONDS });
  ring.noticeChange(signIn.hash);
  return renewed !== undefined;
}

/** What is open through it ends within 5 s, on every node. */
export async function signOut({ apiKeys, ring }: SignInServices, signIn: SignIn): Promise<void> {
  const { hash, ownsKey, row } = signIn;
  await deleteSignIns(apiKeys.db, { hash });
  ring.noticeChange(hash);
  if (ownsKey) await revokeKey(apiKeys, { tenantId: null, id: row.id });
  else apiKeys.bus.publish([{ type: 'api_key', apiKeyId: row.id }]);
}

/** Ends all that stand for the same key. */
export async function signOutEverywhere(
  { apiKeys, ring }: SignInServices,
  { apiKeyId }: Identity,
): Promise<void> {
  if (apiKeyId === null) return;
  await deleteSignIns(apiKeys.db, { apiKeyId });
  ring.noticeKeyChange(apiKeyId);
  apiKeys.bus.publish([{ type: 'api_key', apiKeyId }]);
}

/** A code for one sign-in with a key; without one, as the local operator. */
export async function createCode(
  { db }: Pick<ApiKeyServices, 'db'>,
  key: { id: string; tenant_id: string } | null,
): Promise<string> {
  const code = newCode();
  await insertCode(db, {
    hash: hashOf(code),
    seconds: CODE_SECONDS,
    tenantId: key?.tenant_id ?? DEFAULT_TENANT,
    apiKeyId: key?.id ?? null,
  });
  return code;
}
