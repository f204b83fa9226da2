import { monitorEventLoopDelay } from 'node:perf_hooks';

/*
 * Loaded into the server that is measured (`--import`): answers, over the channel to its parent, how long the event loop
 * was held at most since it was asked last, and how much memory the process takes.
 */

export type ProcessFigures = { heldMs: number; residentMb: number };

const RESOLUTION_MS = 2;

const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
delay.enable();

process.on('message', () => {
  const figures: ProcessFigures = {
    heldMs: Math.max(0, delay.max / 1e6 - RESOLUTION_MS),
    residentMb: process.memoryUsage.rss() / 2 ** 20,
  };
  delay.reset();
  process.send?.(figures);
});
// The server ends when it is done, not when nobody asks any more.
process.channel?.unref();
