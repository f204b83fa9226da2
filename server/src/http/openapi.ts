import { jsonSchemaTransformObject } from 'fastify-type-provider-zod';

type Document = { components?: { schemas?: Record<string, unknown> } };

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
  return document;
};
