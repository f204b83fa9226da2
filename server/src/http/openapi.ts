import { jsonSchemaTransformObject } from 'fastify-type-provider-zod';

type Parameter = { name: string; in: string };
type Operation = { parameters?: Parameter[] };
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
  const { components } = document as Document;
  for (let before = -1; before !== Object.keys(components?.schemas ?? {}).length; ) {
    before = Object.keys(components?.schemas ?? {}).length;
    const text = JSON.stringify(document);
    for (const name of Object.keys(components?.schemas ?? {})) {
      if (!text.includes(`"#/components/schemas/${name}"`)) delete components?.schemas?.[name];
    }
  }
  nameWildcards(document as Document);
  return document;
};

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
