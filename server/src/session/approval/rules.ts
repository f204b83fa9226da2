import { AppError } from '../../ground/errors.ts';
import { type Identity, mayUse } from '../../ground/identity.ts';
import type { SessionOptions } from '../session.ts';

const form = /^([^()]+)(?:\((.*)\))?$/s;
/** Their patterns are of paths. */
const fileTools = new Set(['Edit', 'Glob', 'Grep', 'NotebookEdit', 'Read', 'Write']);

/**
 * What of a permission rule the agent program would not take, or null: it leaves such a rule out without a word, and
 * would ask again.
 */
export function refuseRuleForm(rule: string): string | null {
  const [, name = '', pattern] = form.exec(rule) ?? [];
  const tool = name.trim();
  if (tool.startsWith('mcp__')) {
    if (pattern !== undefined) return 'a rule of an MCP tool has no pattern in parentheses';
    const isNarrow = !tool.includes('*') || /^mcp__[^*]+__[^*]*\*$/.test(tool);
    return isNarrow ? null : 'must name the MCP server: `mcp__<server>`, or `mcp__<server>__*`';
  }
  if (pattern === undefined) return null;
  if (pattern.trim() === '') return `has empty parentheses: name a pattern, or only ${tool}`;
  if (tool === 'Bash' && pattern === ':*') return 'must name a command before `:*`';
  if (tool === 'WebFetch' && !/^domain:\S+$/.test(pattern)) return 'expected `WebFetch(domain:example.com)`';
  if (tool === 'WebSearch' && /[*?]/.test(pattern)) return 'takes no wildcards';
  if (fileTools.has(tool) && pattern.includes(':*'))
    return '`:*` is for commands; paths are matched by `*` and `**`';
  return null;
}

type Given = { rules: readonly string[]; suggested: readonly string[] };

/**
 * Rules that somebody wrote hold like `allowed_tools`, and need what changing those needs. Whoever may only answer can
 * give what the agent program suggested for the call.
 */
export function requireGivableRules(
  { rules, suggested }: Given,
  { options, asker }: { options: SessionOptions; asker: Identity },
): void {
  for (const [index, rule] of rules.entries()) {
    const field = `rules.${index}`;
    const denied = (options.disallowed_tools ?? []).find((one) => isWithin(rule, one));
    if (denied !== undefined) {
      const message = `the session disallows ${denied}`;
      throw new AppError('invalid_request', `${field}: ${message}`, { errors: [{ field, message }] });
    }
    if (suggested.includes(rule) || mayUse(asker, 'sessions:write')) continue;
    throw new AppError(
      'forbidden',
      `${field}: a rule of one's own needs a key with the scope sessions:write.`,
      {
        hint: `suggested for this call: ${suggested.join(', ') || 'no rule'}`,
      },
    );
  }
}

/** Whether a rule allows nothing that the other one, which denies, leaves. */
function isWithin(rule: string, denied: string): boolean {
  if (rule === denied) return true;
  const tool = form.exec(rule)?.[1]?.trim() ?? rule;
  return (
    tool === denied || (denied.startsWith('mcp__') && tool.startsWith(`${denied.replace(/__\*$/, '')}__`))
  );
}

/** The mode that a plan leaves the session in. More than asking again needs what a change of settings needs. */
export function requireGivableMode(mode: SessionOptions['permission_mode'], asker: Identity): void {
  if (mode === undefined || mode === 'default' || mayUse(asker, 'sessions:write')) return;
  throw new AppError('forbidden', `permission_mode: ${mode} needs a key with the scope sessions:write.`, {
    hint: 'leave it out: the session asks again then',
  });
}
