import { randomUUID } from 'node:crypto';
import swagger from '@fastify/swagger';
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { apiKeyRoutes } from '../access/api-key/routes.ts';
import { auditRoutes } from '../access/audit/routes.ts';
import { budgetRoutes } from '../access/budget/routes.ts';
import { meRoutes } from '../access/me/routes.ts';
import { streamTicketRoutes } from '../access/stream-ticket/routes.ts';
import { usageRoutes } from '../access/usage/routes.ts';
import type { Context } from '../context.ts';
import { AppError } from '../ground/errors.ts';
import { answerBrokenRequest } from '../ground/http/broken-request.ts';
import { installJsonBodyParser } from '../ground/http/json-body.ts';
import { installNulGuard } from '../ground/http/nul-guard.ts';
import { handleFrameworkError, installErrorHandler } from '../ground/http/problem.ts';
import { installSecurityHeaders } from '../ground/http/security-headers.ts';
import { version } from '../ground/version.ts';
import { approvalRoutes } from '../session/approval/routes.ts';
import { presetRoutes } from '../session/preset/routes.ts';
import { sessionRoutes } from '../session/routes.ts';
import { summaryRoutes } from '../session/summary/routes.ts';
import { taskRoutes } from '../session/task/routes.ts';
import { turnRoutes } from '../session/turn/routes.ts';
import { eventRoutes } from '../stream/routes.ts';
import { forkRoutes } from '../workspace/fork/routes.ts';
import { workspaceRoutes } from '../workspace/routes.ts';
import { classicRoutes } from './classic/routes.ts';
import { consoleRoutes } from './console/routes.ts';
import { installAudit } from './gate/audit.ts';
import { type Doors, installAuthentication } from './gate/authentication.ts';
import { installConnectionLimit } from './gate/connection-limit.ts';
import { describeRoute, securitySchemes } from './gate/describe-security.ts';
import { installHostGuard } from './gate/host-guard.ts';
import { describeSchemas } from './gate/openapi.ts';
import { installOriginGuard } from './gate/origin-guard.ts';
import { SignInCookie } from './gate/sign-in-cookie.ts';
import { FailureThrottle } from './gate/throttle.ts';
import { operationsRoutes } from './operations/routes.ts';
import { signInRoutes } from './sign-in/routes.ts';

const MAX_BODY_BYTES = 1024 * 1024;

export type Server = {
  app: FastifyInstance;
  /** From now on nothing new is accepted; what is there can still be read. */
  startDraining(): void;
};

/** The HTTP server over a context, not yet listening. */
export async function createServer(context: Context): Promise<Server> {
  const app = fastify({
    loggerInstance: context.logger as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request_id' }),
    genReqId: () => randomUUID(),
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: 30_000,
    trustProxy: context.config.trustProxy,
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 1_000, maxHeaderSize: 16 * 1024 },
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 200 },
    forceCloseConnections: true,
    frameworkErrors: handleFrameworkError,
    clientErrorHandler: answerBrokenRequest,
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  installErrorHandler(app);
  installJsonBodyParser(app);
  installSecurityHeaders(app);
  logRequests(app);
  installConnectionLimit(app, context.config);
  installHostGuard(app, context.config);
  await installOriginGuard(app, context.config);
  installNulGuard(app);
  const doors = makeDoors(context);
  installAuthentication(app, doors);
  installAudit(app, context.database);
  const draining = installDraining(app);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Greenroom',
        version,
        description:
          'Claude agents behind one HTTP API: durable sessions that can be watched, resumed and cancelled.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      components: { securitySchemes },
      tags: [
        { name: 'sessions', description: 'Start, watch, cancel, resume and delete sessions' },
        { name: 'turns', description: 'Messages to a session, and what came of them' },
        { name: 'workspace', description: 'Files of a session, what it changed, and the way back' },
        { name: 'approvals', description: 'What agents wait on, and the answers' },
        { name: 'presets', description: 'Saved bodies of POST /execute/' },
        { name: 'api-keys', description: 'Who may use the server, and for what' },
        { name: 'audit', description: 'Who did what' },
        { name: 'usage', description: 'What model requests used and cost, and what they may cost' },
        { name: 'operations', description: 'Health and version' },
      ],
    },
    transform: describeRoute,
    transformObject: describeSchemas,
  });
  await app.register(classicRoutes, { context });
  await app.register(sessionRoutes, { context });
  await app.register(forkRoutes, { context });
  await app.register(summaryRoutes, { context });
  await app.register(turnRoutes, { context });
  await app.register(taskRoutes, { context });
  await app.register(approvalRoutes, { context });
  await app.register(workspaceRoutes, { forTenant: context.forTenant });
  await app.register(eventRoutes, { context });
  await app.register(presetRoutes, { context });
  await app.register(streamTicketRoutes, { context });
  await app.register(auditRoutes, { context });
  await app.register(apiKeyRoutes, { context });
  await app.register(signInRoutes, { context, doors });
  await app.register(meRoutes, { context });
  await app.register(consoleRoutes, { directory: context.consoleDirectory });
  await app.register(usageRoutes, { context });
  await app.register(budgetRoutes, { context });
  await app.register(operationsRoutes, { context, isDraining: () => draining.isDraining });
  await app.ready();
  return { app, startDraining: draining.start };
}

function makeDoors({ database, keys, apiKeys, signIns, installation }: Context): Doors {
  return {
    db: database.db,
    keys,
    signIns: { apiKeys, keys, ring: signIns },
    cookie: new SignInCookie(installation),
    throttle: new FailureThrottle(),
  };
}

function installDraining(app: FastifyInstance): { readonly isDraining: boolean; start(): void } {
  let isDraining = false;
  app.addHook('onRequest', async (request) => {
    if (!isDraining || request.method === 'GET' || request.method === 'HEAD') return;
    throw new AppError('shutting_down', 'The server is shutting down.', { retryAfterSeconds: 5 });
  });
  return {
    get isDraining() {
      return isDraining;
    },
    start: () => {
      isDraining = true;
    },
  };
}

/** One line per answered request; reads are frequent and go to `debug`. */
function logRequests(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    const { session_id } = (request.params ?? {}) as { session_id?: string };
    if (session_id !== undefined) request.log = reply.log = request.log.child({ session_id });
  });
  app.addHook('onResponse', async (request, reply) => {
    const line = {
      method: request.method,
      path: request.routeOptions.url,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
    };
    if (request.method === 'GET' || request.method === 'HEAD') request.log.debug(line, 'answered');
    else request.log.info(line, 'answered');
  });
}
