import { get } from 'node:http';
import { connect, type Socket } from 'node:net';

/*
 * The subscribers of the fan-out benchmark, as cheap as they can be: bare sockets that count frames. One in twenty reads
 * when its events were due.
 */

export type Task =
  | { type: 'open'; host: string; port: number; path: string; count: number }
  /** Reports when every subscriber has got so many events, or `graceMs` after the last one came. */
  | { type: 'measure'; events: number; graceMs: number }
  /** Reads it once, up to these bytes or (null) to the end. */
  | { type: 'read'; url: string; accept: string; until: string | null };
export type Report = { deliveries: number; delays: number[]; lastAt: number; bytes: number; ms: number };

const FRAME_END = Buffer.from('\n\n');
const NEWLINE = 10;
const DUE = /"bench_due":([\d.]+)/g;
const SAMPLE = 20;

let deliveries = 0;
let expected = Number.POSITIVE_INFINITY;
let delays: number[] = [];
let lastAt = 0;
let opened = 0;
let onDone = (): void => {};

function open({ host, port, path }: Task & { type: 'open' }): Promise<Socket> {
  const isSampled = opened++ % SAMPLE === 0;
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  let isBody = false;
  let rest = '';
  let isInFrameEnd = false;
  const socket = connect({
    host,
    port,
    onread: {
      // Shared: what is in it is looked at before the next read.
      buffer: shared,
      callback: (size, buffer) => {
        const bytes = Buffer.from(buffer.buffer, buffer.byteOffset, size);
        if (!isBody) {
          isBody = true;
          const [status = ''] = bytes.toString('latin1').split('\r\n');
          if (status.includes(' 200 ')) resolve(socket);
          else reject(new Error(`a stream was refused: ${status}`));
          return true;
        }
        const now = Date.now();
        lastAt = now;
        if (isInFrameEnd && bytes[0] === NEWLINE) deliveries++;
        for (let at = bytes.indexOf(FRAME_END); at >= 0; at = bytes.indexOf(FRAME_END, at + 2)) deliveries++;
        isInFrameEnd = bytes[size - 1] === NEWLINE && bytes[size - 2] !== NEWLINE;
        if (isSampled) {
          const text = rest + bytes.toString('latin1');
          for (const [, due] of text.matchAll(DUE)) delays.push(now - Number(due));
          rest = text.slice(text.lastIndexOf('\n\n') + 2);
        }
        if (deliveries >= expected) onDone();
        return true;
      },
    },
  });
  socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n`);
  return promise;
}

async function read({ url, accept, until }: Task & { type: 'read' }): Promise<Pick<Report, 'bytes' | 'ms'>> {
  const begin = performance.now();
  let bytes = 0;
  const done = Promise.withResolvers<number>();
  const request = get(url, { headers: { accept } }, (response) => {
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (until !== null && chunk.includes(until)) done.resolve(performance.now() - begin);
    });
    response.on('end', () => done.resolve(performance.now() - begin));
    response.on('error', () => {});
  });
  const ms = await done.promise;
  if (until !== null) request.destroy();
  return { bytes, ms };
}

const nothing: Report = { deliveries: 0, delays: [], lastAt: 0, bytes: 0, ms: 0 };
const shared = Buffer.alloc(256 * 1024);

async function run(task: Task): Promise<Report> {
  if (task.type === 'open') {
    for (let n = 0; n < task.count; n += 50)
      await Promise.all(Array.from({ length: Math.min(50, task.count - n) }, async () => await open(task)));
    return nothing;
  }
  if (task.type === 'read') return { ...nothing, ...(await read(task)) };
  deliveries = 0;
  delays = [];
  lastAt = Date.now();
  expected = task.events * opened;
  const done = Promise.withResolvers<void>();
  onDone = done.resolve;
  const watch = setInterval(() => {
    if (Date.now() - lastAt > task.graceMs) done.resolve();
  }, 100);
  await done.promise;
  clearInterval(watch);
  expected = Number.POSITIVE_INFINITY;
  return { ...nothing, deliveries, delays, lastAt };
}

process.on('disconnect', () => process.exit());
process.on('message', (task: Task) => {
  void run(task).then((report) => process.send?.(report));
});
