import { jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { PROBLEM_TYPE, problems } from '../../ground/http/problem.ts';

type Parameter = { name: string; in: string };
type Operation = { parameters?: Parameter[]; responses?: Record<string, object>; security?: object[] };
type Document = {
  components?: { schemas?: Record<string, unknown> };
  paths?: Record<string, Record<string, Operation>>;
};

/**
 * Puts the named schemas in the document. Each comes as it is read and, with `Input` behind its name, as it is sent;
 * those that nothing refers to are left out.
 */
export const describeSchemas: typeof jsonSchemaTransformObject = (input) => {
  const document = jsonSchemaTransformObject(input);
  addCommonRefusals(document as Document);
  const { components } = document as Document;
  for (let before = -1; before !== Object.keys(components?.schemas ?? {}).length; ) {
    before = Object.keys(components?.schemas ?? {}).length;
    const text = JSON.stringify(document);
    for (const name of Object.keys(components?.schemas ?? {})) {
      if (!text.includes(`"#/components/schemas/${name}"`)) delete components?.schemas?.[name];
    }
  }
  nameWildcards(document as Document);
  sortSchemas(components);
  return document;
};

/** By their names: they come in the order in which the modules were loaded, which is nobody's business. */
function sortSchemas(components: Document['components']): void {
  if (components?.schemas === undefined) return;
  const entries = Object.entries(components.schemas);
  components.schemas = Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** The rest of a path is a parameter `path`: the router's own name for it is none that a document may have. */
function nameWildcards({ paths = {} }: Document): void {
  for (const [path, operations] of Object.entries(paths)) {
    if (!path.includes('{*}')) continue;
    delete paths[path];
    paths[path.replace('{*}', '{path}')] = operations;
    const parameter = { name: 'path', in: 'path', required: true, schema: { type: 'string' } };
    for (const operation of Object.values(operations)) {
      const others = (operation.parameters ?? []).filter(({ name }) => name !== '*');
      operation.parameters = [...others, parameter];
    }
  }
}

const commonRefusals = [400, 401, 403, 408, 429, 431] as const;
const bodyRefusals = [413, 415] as const;

/** What any request may be refused with before a route sees it, whether the route takes a body or not. */
function addCommonRefusals({ paths = {} }: Document): void {
  for (const operations of Object.values(paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const isOpen = operation.security?.length === 0;
      const common = isOpen ? commonRefusals.filter((status) => status !== 401) : commonRefusals;
      const statuses = method === 'get' ? common : [...common, ...bodyRefusals];
      for (const status of statuses) {
        operation.responses ??= {};
        operation.responses[status] ??= describeRefusal(status);
      }
    }
  }
}

function describeRefusal(status: (typeof commonRefusals)[number] | (typeof bodyRefusals)[number]): object {
  const { description } = problems(status)[status];
  const schema = { $ref: '#/components/schemas/Problem' };
  return { description, content: { [PROBLEM_TYPE]: { schema } } };
}
