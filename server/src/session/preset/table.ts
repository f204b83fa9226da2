import type { ColumnType, Generated } from 'kysely';
import type { PresetOptions } from './preset.ts';

/** Bodies of `POST /execute/` that a tenant has saved. */
export type PresetTable = {
  id: string;
  tenant_id: string;
  name: string;
  description: string | null;
  options: ColumnType<PresetOptions, string, string>;
  /** The name of the key, or `local`. */
  created_by: string;
  created_at: Generated<Date>;
  updated_at: ColumnType<Date, undefined, Date>;
};
