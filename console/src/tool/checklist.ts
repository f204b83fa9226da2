import type { ToolCall } from '../log/item.ts';
import { type Fields, fieldsOf, listOf, textOf } from '../util/shapes.ts';
import { knownInput } from './partial-input.ts';

const states = ['pending', 'in_progress', 'completed', 'deleted'] as const;
export type StepState = (typeof states)[number];
export type Step = { id: string; text: string; state: StepState };

/** What is to be done: the whole list of `TodoWrite` and `TaskList`, the one task of the others. */
export function readChecklist(call: ToolCall): Step[] {
  const input = knownInput(call);
  const details = fieldsOf(call.details);
  const many = [input.todos, details.newTodos, details.tasks].find(Array.isArray);
  if (many !== undefined) return listOf(many).map(fieldsOf).map(toStep);
  const task = { ...input, ...definedOf(fieldsOf(details.task)) };
  if (textOf(task.subject) === '' && textOf(task.taskId) === '' && textOf(task.id) === '') return [];
  return [toStep(task, 0)];
}

function toStep(fields: Fields, index: number): Step {
  const id = textOf(fields.id) || textOf(fields.taskId);
  const text = textOf(fields.content) || textOf(fields.subject) || textOf(fields.activeForm);
  return {
    id: id || String(index + 1),
    text: text || `#${id || index + 1}`,
    state: states.find((state) => state === fields.status) ?? 'pending',
  };
}

function definedOf(fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined && value !== null),
  );
}
