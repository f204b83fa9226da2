import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import type { DemoModelOptions } from './demo-model.ts';
import { FaultCounter } from './fault-counter.ts';
import { handleRequest } from './http.ts';
import { PromptCache } from './prompt-cache.ts';
import type { Responder } from './respond.ts';

const { tokensPerSecond } = workerData as Required<DemoModelOptions>;
const responder: Responder = { tokensPerSecond, cache: new PromptCache(), faults: new FaultCounter() };
const server = createServer((request, response) => void handleRequest(request, response, responder));
// Longer than clients keep idle connections, which would otherwise now and then send into a closing one.
server.keepAliveTimeout = 120_000;
server.listen(0, '127.0.0.1');
await once(server, 'listening');
parentPort?.postMessage((server.address() as AddressInfo).port);
