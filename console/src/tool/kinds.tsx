import {
  Bot,
  CircleHelp,
  FileText,
  FolderSearch,
  Globe,
  ListTodo,
  type LucideIcon,
  Map as MapIcon,
  PencilLine,
  Plug,
  Search,
  SquareTerminal,
  Wrench,
} from 'lucide-react';
import type { ComponentType } from 'react';
import type { ToolCall } from '../log/item.ts';
import { AgentBody } from './agent-body.tsx';
import { BashBody } from './bash-body.tsx';
import { ChangeBody } from './change-body.tsx';
import { ChecklistBody } from './checklist-body.tsx';
import { MatchesBody } from './matches-body.tsx';
import { OtherBody } from './other-body.tsx';
import { PlanBody } from './plan-body.tsx';
import { QuestionsBody } from './questions-body.tsx';
import { ReadBody } from './read-body.tsx';
import { readToolName } from './tool-name.ts';
import { FetchBody, SearchBody } from './web-body.tsx';

/** How each kind of tool is shown. What its line says is in lines.ts. */
type ToolKind = { Icon: LucideIcon; Body: ComponentType<{ call: ToolCall }> };

const bash: ToolKind = { Icon: SquareTerminal, Body: BashBody };
const change: ToolKind = { Icon: PencilLine, Body: ChangeBody };
const checklist: ToolKind = { Icon: ListTodo, Body: ChecklistBody };
const agent: ToolKind = { Icon: Bot, Body: AgentBody };
const plug: ToolKind = { Icon: Plug, Body: OtherBody };
const other: ToolKind = { Icon: Wrench, Body: OtherBody };

const kinds: Record<string, ToolKind> = {
  Bash: bash,
  Edit: change,
  MultiEdit: change,
  Write: change,
  NotebookEdit: change,
  Read: { Icon: FileText, Body: ReadBody },
  Grep: { Icon: Search, Body: MatchesBody },
  Glob: { Icon: FolderSearch, Body: MatchesBody },
  TodoWrite: checklist,
  TaskCreate: checklist,
  TaskUpdate: checklist,
  TaskList: checklist,
  TaskGet: checklist,
  ExitPlanMode: { Icon: MapIcon, Body: PlanBody },
  AskUserQuestion: { Icon: CircleHelp, Body: QuestionsBody },
  WebFetch: { Icon: Globe, Body: FetchBody },
  WebSearch: { Icon: Globe, Body: SearchBody },
  Agent: agent,
  Task: agent,
};

function kindOf(name: string): ToolKind {
  const known = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
  return known ?? (readToolName(name).server === null ? other : plug);
}

export function iconOf(name: string): LucideIcon {
  return kindOf(name).Icon;
}

/** Also for what is only asked for: a call without an output shows what it would do. */
export function bodyOf(name: string): ToolKind['Body'] {
  return kindOf(name).Body;
}
