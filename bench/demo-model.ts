import { startDemoModel } from '../server/src/engine/gateway/demo-model/demo-model.ts';

// The demo model as a program of its own, for the bare SDK: Greenroom's own lives in the server, not in the benchmark.
await using model = await startDemoModel({ tokensPerSecond: Number(process.env.TOKENS_PER_SECOND) });
process.stdout.write(`listening at ${model.url}\n`);
await new Promise((resolve) => process.once('SIGTERM', resolve));
