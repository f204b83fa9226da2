import { randomUUID } from 'node:crypto';
import swagger from '@fastify/swagger';
import { type FastifyBaseLogger, type FastifyInstance, fastify, LogController } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { apiKeyRoutes } from './api-key/routes.ts';
import { approvalRoutes } from './approval/routes.ts';
import { auditRoutes } from './audit/routes.ts';
import { budgetRoutes } from './budget/routes.ts';
import { classicRoutes } from './classic/routes.ts';
import { consoleRoutes } from './console/routes.ts';
import type { Context } from './context.ts';
import { AppError } from './errors.ts';
import { eventRoutes } from './event/routes.ts';
import { forkRoutes } from './fork/routes.ts';
import { installAudit } from './http/audit.ts';
import { type Doors, installAuthentication } from './http/authentication.ts';
import { answerBrokenRequest } from './http/broken-request.ts';
import { installConnectionLimit } from './http/connection-limit.ts';
import { describeRoute, securitySchemes } from './http/describe-security.ts';
import { installHostGuard } from './http/host-guard.ts';
import { installJsonBodyParser } from './http/json-body.ts';
import { installNulGuard } from './http/nul-guard.ts';
import { describeSchemas } from './http/openapi.ts';
import { installOriginGuard } from './http/origin-guard.ts';
import { handleFrameworkError, installErrorHandler } from './http/problem.ts';
import { installSecurityHeaders } from './http/security-headers.ts';
import { SignInCookie } from './http/sign-in-cookie.ts';
import { FailureThrottle } from './http/throttle.ts';
import { meRoutes } from './me/routes.ts';
import { operationsRoutes } from './operations/routes.ts';
import { presetRoutes } from './preset/routes.ts';
import { sessionRoutes } from './session/routes.ts';
import { signInRoutes } from './sign-in/routes.ts';
import { streamTicketRoutes } from './stream-ticket/routes.ts';
import { summaryRoutes } from './summary/routes.ts';
import { taskRoutes } from './task/routes.ts';
import { turnRoutes } from './turn/routes.ts';
import { usageRoutes } from './usage/routes.ts';
import { version } from './version.ts';
import { workspaceRoutes } from './workspace/routes.ts';

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
