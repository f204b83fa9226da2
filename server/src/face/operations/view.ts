import { z } from 'zod';

export const readiness = z.object({
  status: z.enum(['ready', 'not_ready']),
  checks: z.object({ database: z.enum(['ok', 'failed']), accepting: z.boolean() }),
  model: z.string(),
  isolation: z.string(),
  warnings: z.array(z.string()),
});

export const versions = z.object({
  name: z.string(),
  version: z.string(),
  agent_sdk: z.string(),
  node: z.string(),
});
