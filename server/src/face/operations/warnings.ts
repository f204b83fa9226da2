import type { Context } from '../../context.ts';

export const NULL_ORIGIN_WARNING =
  'GREENROOM_CORS_ORIGINS lists null: any website that is open in a browser here can start agents on this machine';

/** What an operator should know about how this server runs. */
export function findWarnings({
  config,
  driver,
  isolationTest,
  remover,
}: Pick<Context, 'config' | 'driver' | 'isolationTest' | 'remover'>): string[] {
  const warnings: string[] = [];
  if (config.corsOrigins.includes('null')) warnings.push(NULL_ORIGIN_WARNING);
  if (config.cloud !== null) {
    warnings.push('budgets, usage and the list of models do not hold for what agents ask a cloud themselves');
  }
  if (!driver.confines) {
    const { ok = true, detail = [], hint = null } = isolationTest ?? {};
    const reason = ok ? '' : ` (${detail.join('; ')}${hint === null ? '' : `: ${hint}`})`;
    warnings.push(`agents are not isolated: they can do what the server user can${reason}`);
  }
  warnings.push(...driver.warnings);
  const { left } = remover;
  if (left.length > 0) {
    warnings.push(
      `${left.length} things that are to be deleted could not be, and will be tried again: see the log`,
    );
  }
  return warnings;
}
