const aboutMe = [
  /\b(?:[Mm]y name(?: is|'s|’s)|[Cc]all me)\s+(\p{L}[\p{L}\p{N}_'’-]*(?: \p{Lu}[\p{L}\p{N}_'’-]*)*)/u,
  /\b[Ii](?: am|'m|’m)\s+(\p{Lu}[\p{L}\p{N}_'’-]*(?: \p{Lu}[\p{L}\p{N}_'’-]*)*)/u,
  /^(?:i am|i'm|i’m)\s+(\p{L}[\p{L}\p{N}_'’-]*)\s*[.!]?$/imu,
];
const fact = /\b(?:my|the) ([\p{L} -]{2,40}?) (?:is|are|was) (?!my\b|the name\b)([^.!?\n]+)/giu;
const request = /\bremember(?: that|:)? ([^\n]+)/giu;

const asksName = /\bwho am i\b|\bmy name\b.*\?|\b(?:what|know|remember|tell me)\b.*\bmy name\b/i;
const asksEverything =
  /\bwhat (?:did|have) I (?:say|said|tell|told|ask|asked)\b|\bwhat do you remember\b|\bdo you remember\b/i;
const asksFact = /\bwhat(?:'s|’s| is| was| are| were) (?:my|the) ([\p{L} -]{2,40}?)\s*\?/iu;

/** Longer ones are taken for pasted text, in which there is nothing about the person. */
export const longestStatement = 500;

type Memory = { earlierPrompts: string[]; statements: string[] };

export function rememberAll(earlierPrompts: string[], prompt: string): Memory {
  const sentences = [...earlierPrompts, prompt].flatMap((text) => text.split(/(?<=[.!?])\s|\n/));
  const statements = sentences.filter((line) => line.length <= longestStatement && !line.endsWith('?'));
  return { earlierPrompts, statements };
}

/** What the person said about this, as an answer; undefined when the question is not about memory. */
export function recall(question: string, { earlierPrompts, statements }: Memory): string | undefined {
  if (asksName.test(question)) {
    const name = nameIn(statements);
    return name ? `Your name is ${name}.` : 'You have not told me your name yet.';
  }
  if (asksEverything.test(question)) return recallEverything(earlierPrompts, statements);
  const topic = asksFact.exec(question)?.[1]?.toLowerCase();
  const value = topic === undefined ? undefined : factsIn(statements).get(topic);
  return value === undefined ? undefined : `You told me: ${value}.`;
}

/** Short thanks for something worth remembering. */
export function acknowledge(statement: string): string | undefined {
  if (statement.includes('?')) return undefined;
  const name = nameIn([statement]);
  if (name) return `Nice to meet you, ${name}. I will remember your name in this session.`;
  const kept = [...statement.matchAll(request)].at(-1)?.[1];
  return kept === undefined ? undefined : `I will remember that: ${kept}`;
}

function nameIn(statements: string[]): string | undefined {
  return statements
    .flatMap((statement) => aboutMe.map((pattern) => pattern.exec(statement)?.[1]).find((name) => name) ?? [])
    .at(-1);
}

function factsIn(statements: string[]): Map<string, string> {
  return new Map(
    statements.flatMap((statement) =>
      [...statement.matchAll(fact)].map(
        ([, topic = '', value = '']) => [topic.toLowerCase(), value.trim()] as const,
      ),
    ),
  );
}

function recallEverything(earlierPrompts: string[], statements: string[]): string {
  const kept = statements.flatMap((statement) =>
    [...statement.matchAll(request)].map((match) => match[1] ?? ''),
  );
  if (kept.length > 0) return `You asked me to remember:\n\n${asList(kept)}`;
  if (earlierPrompts.length === 0) return 'This is the first thing that you have told me.';
  return `You told me:\n\n${asList(earlierPrompts)}`;
}

function asList(lines: string[]): string {
  return lines.map((line) => `- ${line}`).join('\n');
}
