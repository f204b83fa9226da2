import type { Config } from '../../ground/config/config.ts';
import { meansModel } from './model-name.ts';
import type { PriceList } from './price-list.ts';

/** A name that a session may give as its `model`. */
export type KnownModel = {
  name: string;
  /** A name of the agent program's own, for the newest model of a family. */
  isAlias: boolean;
  /** Tokens; null where it is not known. */
  contextWindow: number | null;
};

/** What the agent program takes for the newest of each family. */
const aliases = ['opus', 'sonnet', 'haiku'];

type Settings = Pick<Config, 'model' | 'allowedModels' | 'upstreams'>;

/**
 * Names to offer in a form, of those that agents may use: a server may well take more. They come from the configuration
 * and from the prices, as far as these name a model rather than a pattern.
 */
export function knownModels(
  { model, allowedModels, upstreams }: Settings,
  prices: Pick<PriceList, 'contextWindowOf' | 'models'>,
): KnownModel[] {
  const configured = [model ?? [], upstreams.flatMap(({ models }) => models), allowedModels].flat();
  const names = [...aliases, ...configured.filter(isName), ...prices.models];
  return [...new Set(names)]
    .filter((name) => isAllowed(name, allowedModels))
    .map((name) => {
      const isAlias = aliases.includes(name);
      return { name, isAlias, contextWindow: isAlias ? null : prices.contextWindowOf(name) };
    });
}

function isName(pattern: string): boolean {
  return !/[*[\]]/.test(pattern);
}

/** Which model an alias stands for is the agent program's to say: it is offered where one of its family may be meant. */
function isAllowed(name: string, patterns: readonly string[]): boolean {
  if (patterns.length === 0) return true;
  if (aliases.includes(name)) return patterns.some((pattern) => pattern === '*' || pattern.includes(name));
  return patterns.some((pattern) => meansModel(pattern, name));
}
