/*
 * What the demo model is asked to do, so that the console has something to show. docs/demo-model.md has the table.
 */

/** Counts, a piece about every twentieth of a second. 1,600 tokens at 20 a second are 1,600 pieces. */
export function countSlowly(to: number, tokensPerSecond = 20): string {
  return `[demo:slow ${tokensPerSecond}] count from 1 to ${to}`;
}

export function say(text: string): string {
  return `[demo:say ${text}]`;
}

export function think(prompt: string): string {
  return `[demo:think] ${prompt}`;
}

export function run(command: string): string {
  return `run: ${command}`;
}

/** One call after the other, each in a message of its own. */
export function inOrder(...prompts: string[]): string {
  return prompts.join('\n');
}

export function write(name: string, content: string): string {
  return `create a file ${name} with ${content}`;
}

export function edit(name: string, change: { replace: string; by: string }): string {
  return `edit ${name} replace ${change.replace} with ${change.by}`;
}

export function ask(question: string, choices: readonly string[]): string {
  return `ask me: ${question} ${choices.join(', ')}`;
}

/** Of which several may be chosen. */
export function askForSeveral(question: string, choices: readonly string[]): string {
  return `ask me: ${question} ${choices.slice(0, -1).join(', ')} and/or ${choices.at(-1)}`;
}

export function plan(text: string): string {
  return `plan: ${text}`;
}

export function delegate(task: string): string {
  return `delegate: ${task}`;
}

/** Any other tool, by its input. */
export function use(tool: string, input: object): string {
  return `use ${tool} ${JSON.stringify(input)}`;
}

/** Runs on after the turn, as a background task. */
export function runInBackground(command: string): string {
  return use('Bash', { command, run_in_background: true });
}

/** Goes on until the file `go` is in the workspace: tests say when a turn ends. */
export const untilToldToGo = run('until [ -e go ]; do sleep 0.02; done');
