import { matchesPattern } from '../../ground/util/pattern.ts';

/*
 * The same models have other names on the clouds that host them: on Amazon Bedrock
 * `us.anthropic.claude-3-5-sonnet-20241022-v1:0`, or the ARN of such a profile, and on Google Vertex AI
 * `claude-sonnet-4@20250514`.
 */

const bedrock =
  /^(?:arn:aws[\w-]*:bedrock:[\w-]*:\d*:(?:inference-profile|foundation-model)\/)?(?:(?:[a-z]{2}|us-gov|apac|global)\.)?anthropic\.(claude-[a-z0-9.-]+?)(?:-v\d+)?(?::\d+(?::\w+)?)?$/;
const vertex = /^(claude-[a-z0-9.-]+?)(?:-v\d+)?@(\d{8}|default|latest)$/;

/** A cloud's name of a Claude model as the Anthropic API knows it; every other name as it is. */
export function apiModelName(name: string): string {
  const onBedrock = bedrock.exec(name)?.[1];
  if (onBedrock !== undefined) return onBedrock;
  const [, model, version = ''] = vertex.exec(name) ?? [];
  if (model === undefined) return name;
  return /^\d/.test(version) ? `${model}-${version}` : model;
}

/** Whether a pattern means a model, by the name that it was asked for or by the one that the Anthropic API knows. */
export function meansModel(pattern: string, name: string): boolean {
  return matchesPattern(pattern, name) || matchesPattern(pattern, apiModelName(name));
}
