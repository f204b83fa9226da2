// A session whose agent asks before it acts, with the TypeScript client.
import { GreenroomClient } from '@greenroom/client';

const client = new GreenroomClient({
  baseUrl: process.env.GREENROOM_URL ?? 'http://127.0.0.1:8000',
  apiKey: process.env.GREENROOM_API_KEY,
});

const run = client.run({ prompt: 'run: echo hello > greeting.txt', approvals: 'ask' });
console.log(`session: ${await run.sessionId}`);

for await (const event of run) {
  if (event.kind !== 'approval' || event.data.phase !== 'requested') continue;
  const { approval_id, tool_name, input } = event.data.approval;
  console.log(`asks: ${tool_name} ${input.command}`);
  const { status } = await client.approvals.allow(approval_id);
  console.log(`answer: ${status}`);
}

const { state, text, cost_usd } = await run.result;
console.log(`state: ${state}`);
console.log(`result: ${text}`);
console.log(`cost: $${cost_usd}`);
