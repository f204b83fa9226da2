import { apiModelName } from '../model-name.ts';

export type ThinkingType = 'adaptive' | 'enabled' | 'disabled';

/** What the API takes for a model. */
export type ModelLimits = {
  /** Tokens of an answer. */
  maxTokens: number;
  refusedThinking: readonly ThinkingType[];
  /** Whether a request may end with the beginning of the answer. */
  takesPrefill: boolean;
  /** Whether messages may be of the role `system`. */
  takesInstructions: boolean;
};

const known = /^claude-.*(?:opus|sonnet|haiku|fable|mythos)|demo/i;
const named =
  /^claude-(?:(opus|sonnet|haiku|fable|mythos)-(\d+)(?:-(\d))?(?!\d)|(\d)(?:-(\d))?-(?:opus|sonnet|haiku))/;
const unlimited: ModelLimits = {
  maxTokens: Number.POSITIVE_INFINITY,
  refusedThinking: [],
  takesPrefill: true,
  takesInstructions: true,
};

/** Undefined for a model that nobody knows. Names that only the demo model has are held to nothing. */
export function limitsOf(model: string): ModelLimits | undefined {
  const name = apiModelName(model);
  if (!known.test(name)) return undefined;
  const match = named.exec(name);
  if (match === null) return unlimited;
  const [, family = '', newMajor, newMinor, oldMajor, oldMinor] = match;
  const version = Number(`${newMajor ?? oldMajor}.${newMinor ?? oldMinor ?? 0}`);
  return {
    maxTokens: maxTokensOf(family, version),
    refusedThinking: refusedThinking(family, version),
    takesPrefill: version < 4.6,
    takesInstructions: version >= 4.8,
  };
}

function maxTokensOf(family: string, version: number): number {
  if (version < 3.5) return 4_096;
  if (version < 3.7) return 8_192;
  if (version >= 4.6) return 128_000;
  return family === 'opus' && version < 4.5 ? 32_000 : 64_000;
}

function refusedThinking(family: string, version: number): ThinkingType[] {
  if (version < 3.7) return ['adaptive', 'enabled'];
  if (version < 4.6) return ['adaptive'];
  if (version < 4.7) return [];
  const isAlwaysOn = ['fable', 'mythos'].includes(family) || (family === 'opus' && version >= 5.5);
  return isAlwaysOn ? ['enabled', 'disabled'] : ['enabled'];
}
