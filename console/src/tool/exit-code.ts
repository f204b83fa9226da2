import type { ToolCall } from '../log/item.ts';
import { outputText } from './output.ts';

/** Of a command that failed, as the program tells the model; null for one that ended well, or not by itself. */
export function exitCodeOf(call: ToolCall): number | null {
  if (call.state !== 'failed') return null;
  const match = /^(?:Error: )?Exit code (-?\d{1,6})\b/.exec(outputText(call.output));
  return match === null ? null : Number(match[1]);
}

/** What a failed command wrote, without the line that tells its exit code. */
export function withoutExitCode(text: string): string {
  return text.replace(/^(?:Error: )?Exit code -?\d{1,6}\n?/, '');
}
