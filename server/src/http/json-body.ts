import type { FastifyInstance } from 'fastify';
import { AppError } from '../errors.ts';

const MAX_DEPTH = 64;

/**
 * Reads JSON bodies and nothing else; refuses those that are nested too deep before they are parsed, and `__proto__`
 * keys. An empty body is no body, whatever its type.
 */
export function installJsonBodyParser(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    ['application/json', 'text/json'],
    { parseAs: 'string' },
    (request, body, done) => {
      const text = body as string;
      if (text.trim() === '') return done(null, undefined);
      if (exceedsDepth(text, MAX_DEPTH)) {
        return done(new AppError('malformed_body', `The body is nested deeper than ${MAX_DEPTH} levels.`));
      }
      return parse(request, text, (error, value) =>
        error === null ? done(null, value) : done(new AppError('malformed_body', describeRefusal(text))),
      );
    },
  );
  // Many clients name a type with every request, also where they send nothing.
  app.addHook('onRequest', async ({ raw: { headers } }) => {
    const isEmpty =
      headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0;
    if (isEmpty) delete headers['content-type'];
  });
}

function describeRefusal(text: string): string {
  try {
    JSON.parse(text);
    return 'The body has a key that is not allowed: __proto__, or constructor with a prototype.';
  } catch (error) {
    return `The body is not valid JSON: ${(error as Error).message}`;
  }
}

/** Counts brackets outside strings; exported for its test. */
export function exceedsDepth(json: string, limit: number): boolean {
  let depth = 0;
  let isInString = false;
  for (let index = 0; index < json.length; index++) {
    const character = json[index];
    if (isInString) {
      if (character === '\\') index++;
      else if (character === '"') isInString = false;
    } else if (character === '"') isInString = true;
    else if (character === '{' || character === '[') {
      if (++depth > limit) return true;
    } else if (character === '}' || character === ']') depth--;
  }
  return false;
}
