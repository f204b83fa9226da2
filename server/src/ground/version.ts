import { readFileSync } from 'node:fs';

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
  dependencies: Record<string, string>;
};

export const version = manifest.version;
export const agentSdkVersion = manifest.dependencies['@anthropic-ai/claude-agent-sdk'] ?? 'unknown';
