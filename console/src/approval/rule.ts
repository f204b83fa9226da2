import type { Values, WordKey } from '../i18n/words.ts';

/** What a permission rule lets through, in plain words, and why one might not want that. */
export type RuleMeaning = { says: WordKey; values: Values; warning: WordKey | null };

/** Programs that start what their arguments name: whoever may begin with their name alone may run anything. */
const LAUNCHERS = new Set(
  'bash sh zsh dash fish env sudo doas su ssh xargs nohup time timeout watch exec eval command find git make npm npx pnpm yarn bun bunx deno node python python3 pip uv uvx ruby perl php docker podman kubectl cargo go awk sed vim tar rsync gdb tmux screen setsid nice busybox'.split(
    ' ',
  ),
);
/** Tools whose rules are about paths. */
const PATH_TOOLS: Readonly<Record<string, WordKey>> = {
  Read: 'approval.rule.read',
  Edit: 'approval.rule.edit',
  Write: 'approval.rule.edit',
  NotebookEdit: 'approval.rule.edit',
};

export function explainRule(rule: string): RuleMeaning {
  const text = rule.trim();
  const parsed = /^([\w*-]+)(?:\((.*)\))?$/s.exec(text);
  if (parsed === null) return { says: 'approval.rule.unreadable', values: {}, warning: null };
  const [, tool = '', given] = parsed;
  const content = given?.trim() ?? '';
  if (tool === 'Bash') return explainCommand(content);
  if (Object.hasOwn(PATH_TOOLS, tool)) return explainPath(tool, content);
  if (tool === 'WebFetch') return explainFetch(content);
  if (tool.startsWith('mcp__')) return explainMcp(tool);
  return {
    says: 'approval.rule.tool',
    values: { tool },
    warning: content === '' ? 'approval.rule.wideTool' : null,
  };
}

export function isBroad(rule: string): boolean {
  return explainRule(rule).warning !== null;
}

function explainCommand(content: string): RuleMeaning {
  const prefix = content.replace(/(:\*| ?\*)$/, '').trim();
  if (prefix === '' || /^[*\s]+$/.test(prefix)) {
    return { says: 'approval.rule.anyCommand', values: {}, warning: 'approval.rule.wideCommand' };
  }
  if (!content.includes('*'))
    return { says: 'approval.rule.command', values: { command: content }, warning: null };
  const isPrefix = prefix !== content && !prefix.includes('*');
  return {
    says: isPrefix ? 'approval.rule.prefix' : 'approval.rule.pattern',
    values: { command: isPrefix ? prefix : content },
    warning: startsAnything(prefix, content) ? 'approval.rule.wideLauncher' : null,
  };
}

/** `git *` and `bash -c *`: the rest of the line is another program. */
function startsAnything(prefix: string, content: string): boolean {
  const [program = '', second] = prefix.split(/\s+/);
  const name = program.slice(program.lastIndexOf('/') + 1);
  // `git*` is also `github-x`, and `*sh` is any shell.
  if (program.includes('*') || (second === undefined && /[^\s:]\*$/.test(content))) return true;
  return LAUNCHERS.has(name) && (second === undefined || second.startsWith('-') || second.startsWith('*'));
}

function explainPath(tool: string, content: string): RuleMeaning {
  const says = PATH_TOOLS[tool] ?? 'approval.rule.tool';
  const isReading = tool === 'Read';
  if (/^[*/.]*$/.test(content)) {
    return {
      says: isReading ? 'approval.rule.readAll' : 'approval.rule.editAll',
      values: { tool },
      warning: isReading ? 'approval.rule.wideRead' : 'approval.rule.wideEdit',
    };
  }
  const isOutside = /^(\/\/|~)/.test(content) || content.includes('..');
  const isMany = content.includes('*');
  return { says, values: { path: content }, warning: isOutside && isMany ? 'approval.rule.widePath' : null };
}

function explainFetch(content: string): RuleMeaning {
  const domain = /^domain:(.+)$/s.exec(content)?.[1] ?? '';
  if (/^[*.\s]*$/.test(domain) && (content === '' || content.startsWith('domain:') || content === '*')) {
    return { says: 'approval.rule.anyPage', values: {}, warning: 'approval.rule.wideFetch' };
  }
  if (domain === '') return { says: 'approval.rule.unreadable', values: {}, warning: null };
  return { says: 'approval.rule.domain', values: { domain }, warning: null };
}

function explainMcp(tool: string): RuleMeaning {
  const [, server = '', ...rest] = tool.split('__');
  const name = rest.join('__');
  if (name === '' || name === '*') {
    return { says: 'approval.rule.server', values: { server }, warning: 'approval.rule.wideServer' };
  }
  return { says: 'approval.rule.mcp', values: { server, tool: name }, warning: null };
}
