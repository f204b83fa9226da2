import type { FastifyInstance } from 'fastify';
import { AppError } from '../errors.ts';

const MAX_DEPTH = 64;

/** Reads JSON bodies, and refuses those that are nested too deep before they are parsed, and `__proto__` keys. */
export function installJsonBodyParser(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser(
    ['application/json', 'text/json'],
    { parseAs: 'string' },
    (request, body, done) => {
      if (exceedsDepth(body as string, MAX_DEPTH)) {
        return done(new AppError('malformed_body', `The body is nested deeper than ${MAX_DEPTH} levels.`));
      }
      return parse(request, body as string, (error, value) =>
        error === null
          ? done(null, value)
          : done(new AppError('malformed_body', `The body is not valid JSON: ${error.message}`)),
      );
    },
  );
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
