import { Markdown } from '../content/markdown.tsx';
import type { ToolCall } from '../log/item.ts';
import { fieldsOf, textOf } from '../util/shapes.ts';
import { FailureText } from './body-parts.tsx';
import { knownInput } from './partial-input.ts';

/** As it was accepted, where somebody changed it. */
export function PlanBody({ call }: { call: ToolCall }) {
  const plan = textOf(fieldsOf(call.details).plan) || textOf(knownInput(call).plan);
  return (
    <>
      <div className="px-4 py-2">
        <Markdown text={plan} isStreaming={call.state === 'writing'} />
      </div>
      <FailureText call={call} />
    </>
  );
}
