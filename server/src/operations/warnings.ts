import { isLoopback } from '../config.ts';
import type { Context } from '../context.ts';

/** What an operator should know about how this server runs. */
export function findWarnings({ config, driver }: Pick<Context, 'config' | 'driver'>): string[] {
  const warnings: string[] = [];
  if (!driver.confines) warnings.push('agents are not isolated: they can do what the server user can');
  if (!isLoopback(config.host)) {
    warnings.push(
      `anybody who can reach ${config.host}:${config.port} can run agents: there is no authentication yet`,
    );
  }
  return warnings;
}
