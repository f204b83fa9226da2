import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A node of a plan, as EXPLAIN (FORMAT JSON) has it. */
type Node = {
  'Node Type': string;
  'Relation Name'?: string;
  Filter?: string;
  'Total Cost': number;
  'Actual Rows'?: number;
  'Actual Loops'?: number;
  'Rows Removed by Filter'?: number;
  'Rows Removed by Index Recheck'?: number;
  Plans?: Node[];
};

export type Plan = { statement: string; root: Node };

/**
 * Has the PostgreSQL of a data directory, which does not run yet, write down how it ran each statement: those within
 * functions and of foreign keys as well. What is small here
 * is large elsewhere: so it reads a table as a whole only where nothing leads to the rows that are wanted.
 */
export async function writePlansDown(dataDirectory: string): Promise<void> {
  const settings = {
    session_preload_libraries: 'auto_explain',
    'auto_explain.log_min_duration': '0',
    'auto_explain.log_analyze': 'on',
    'auto_explain.log_timing': 'off',
    'auto_explain.log_nested_statements': 'on',
    'auto_explain.log_parameter_max_length': '0',
    'auto_explain.log_format': 'json',
    enable_seqscan: 'off',
    enable_hashjoin: 'off',
    enable_mergejoin: 'off',
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'\n`);
  await appendFile(join(dataDirectory, 'postgres', 'postgresql.conf'), lines.join(''));
}

/** Each statement that was run since, once for each way in which it was. */
export async function readPlans(dataDirectory: string): Promise<Plan[]> {
  const log = await readFile(join(dataDirectory, 'postgres.log'), 'utf8');
  const plans = new Map<string, Plan>();
  // What follows a line's first is indented by a tab.
  for (const [, json = ''] of log.matchAll(/ {2}plan:\n((?:\t.*\n)+)/g)) {
    const { 'Query Text': text, Plan: root } = JSON.parse(json.replaceAll('\n\t', '\n'));
    const statement = String(text).replaceAll(/\s+/g, ' ').trim();
    plans.set(`${statement} ${shapeOf(root)}`, { statement, root });
  }
  return [...plans.values()];
}

function shapeOf(node: Node): string {
  const looked = `${Math.ceil(Math.log10(rowsLookedAt(node) + 1))}`;
  return `(${node['Node Type']} ${node['Relation Name'] ?? ''} ${looked}${(node.Plans ?? []).map(shapeOf).join('')})`;
}

export function nodesOf(node: Node): Node[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}

/** How many rows a node has read, whether or not they were wanted. */
export function rowsLookedAt(node: Node): number {
  const { 'Actual Rows': rows = 0, 'Actual Loops': loops = 1 } = node;
  const removed = (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0);
  return Math.round((rows + removed) * loops);
}
