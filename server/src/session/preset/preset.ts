import { z } from 'zod';
import { nullishFields, sessionOptionFields } from '../options/fields.ts';
import { text } from '../options/text-fields.ts';
import { labelFields } from '../session.ts';
import { promptFields, refusePrompt } from '../turn/prompt.ts';

export const MAX_PRESETS = 100;
const MAX_OPTIONS_BYTES = 64 * 1024;

const name = text.trim().min(1, 'must not be blank').max(200);
const description = text.trim().max(2_000);

/** What of `POST /execute/` can be saved as a preset. */
export const presetFields = {
  ...promptFields,
  ...nullishFields({
    ...sessionOptionFields,
    cwd: text.min(1).describe('Directory to work in; without it the session gets a workspace of its own.'),
    ...labelFields,
  }),
};

/** A body of `POST /execute/` for a new session, as far as it is always the same. */
export const presetOptions = z
  .strictObject(presetFields)
  .superRefine(refusePresetPrompt, { when: () => true })
  .refine((options) => Buffer.byteLength(JSON.stringify(options)) <= MAX_OPTIONS_BYTES, {
    error: `must not be longer than ${MAX_OPTIONS_BYTES} bytes as JSON`,
  })
  .overwrite(withoutNull)
  .describe('Fields of `POST /execute/`, checked as there; at most 64 kB.');
export type PresetOptions = z.output<typeof presetOptions>;

function refusePresetPrompt(options: unknown, context: z.RefinementCtx): void {
  if (typeof options !== 'object' || options === null) return;
  const { prompt = null, content = null } = options as { prompt?: unknown; content?: unknown };
  const message = prompt === null && content === null ? null : refusePrompt({ prompt, content });
  if (message !== null) context.addIssue({ code: 'custom', path: ['prompt'], message });
}

/** A field that is null says nothing, here as in the request. */
function withoutNull<Options extends object>(options: Options): Options {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== null)) as Options;
}

/** `POST /presets` */
export const createPresetRequest = z
  .strictObject({ name, description: description.nullish(), options: presetOptions })
  .meta({
    id: 'CreatePresetRequest',
    examples: [{ name: 'careful', options: { model: 'sonnet', approvals: 'ask', max_budget_usd: 1 } }],
  });

/** `PATCH /presets/{preset_id}`: a field that is left out stays; `options` are replaced as a whole. */
export const changePresetRequest = z
  .strictObject({
    name: name.optional(),
    description: description.nullish(),
    options: presetOptions.optional(),
  })
  .meta({ id: 'ChangePresetRequest', examples: [{ description: 'Asks before it does anything.' }] });
export type PresetChange = z.output<typeof changePresetRequest>;

export const presetView = z
  .object({
    preset_id: z.string(),
    name: z.string(),
    description: z.string().nullable(),
    options: z
      .record(z.string(), z.unknown())
      .describe('Those of ExecuteRequest, with `********` for the values of variables and headers.'),
    created_by: z.string(),
    created_at: z.iso.datetime(),
    updated_at: z.iso.datetime(),
  })
  .meta({ id: 'Preset' });
export type PresetView = z.infer<typeof presetView>;
