import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isSignInSecret, SIGN_IN_SECONDS } from '../../access/sign-in/sign-in.ts';
import { AppError } from '../../ground/errors.ts';

/** More of one name than this come from somebody who wants to confuse. */
const MAX_OF_NAME = 4;

/**
 * The cookie of a browser that is signed in. Browsers share cookies between the ports of a host, so its name has the
 * installation in it; over https the name also forbids that another host or path sets it (`__Host-`).
 */
export class SignInCookie {
  readonly #name: string;

  constructor(installation: string) {
    const id = createHash('sha256').update(installation).digest('hex').slice(0, 8);
    this.#name = `greenroom-${id}`;
  }

  /**
   * What the request has that could be a sign-in; several when somebody else set one for another path. Throws
   * `unauthorized` for very many: whose is among those that are not looked at, nobody knows.
   */
  read(request: FastifyRequest): string[] {
    const name = this.#nameFor(request);
    const values = (request.headers.cookie ?? '').split(';').flatMap((pair) => {
      const at = pair.indexOf('=');
      return pair.slice(0, Math.max(at, 0)).trim() === name ? [pair.slice(at + 1).trim()] : [];
    });
    const secrets = [...new Set(values)].filter(isSignInSecret);
    if (secrets.length > MAX_OF_NAME) throw ambiguous();
    return secrets;
  }

  isSent(request: FastifyRequest): boolean {
    return (request.headers.cookie ?? '').includes(`${this.#nameFor(request)}=`);
  }

  set(secret: string, { request, reply }: { request: FastifyRequest; reply: FastifyReply }): void {
    reply.header('set-cookie', this.#render(request, { value: secret, seconds: SIGN_IN_SECONDS }));
  }

  clear({ request, reply }: { request: FastifyRequest; reply: FastifyReply }): void {
    reply.header('set-cookie', this.#render(request, { value: '', seconds: 0 }));
  }

  #nameFor({ protocol }: FastifyRequest): string {
    return protocol === 'https' ? `__Host-${this.#name}` : this.#name;
  }

  #render(request: FastifyRequest, { value, seconds }: { value: string; seconds: number }): string {
    const secure = request.protocol === 'https' ? '; Secure' : '';
    return `${this.#nameFor(request)}=${value}; Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Strict${secure}`;
  }
}

/** Whose request it is would be for another page to say, one that set a cookie for this host. */
export function ambiguous(): AppError {
  return new AppError('unauthorized', 'The browser sent several sign-ins at once.', {
    hint: 'delete the cookies of this host in the browser, and sign in again',
  });
}
