import { resolve } from 'node:path';
import { configuredUpstream, modelUpstreams, needsDemoModel } from '../../engine/gateway/upstream.ts';
import { describeCloud } from '../../ground/config/cloud.ts';
import type { Config } from '../../ground/config/config.ts';
import { DataDirectoryInUse, openDataDirectory } from '../../ground/data-directory.ts';
import { StartupError } from '../../ground/errors.ts';
import type { Logger } from '../../ground/log.ts';
import { embeddedConnection } from '../../ground/postgres/embedded-postgres.ts';
import { checkEmbeddedDatabase, checkRunningDatabase, type DatabaseReport } from './database-check.ts';
import { checkExposure } from './exposure-check.ts';
import { type Finding, fail, ok } from './finding.ts';
import { checkIsolation } from './isolation-check.ts';
import { checkLeftovers } from './leftovers-check.ts';
import { checkDisk, checkLimits, checkMemory, checkNode } from './machine-checks.ts';
import { checkModel } from './model-check.ts';
import { checkProcessMemory } from './process-memory-check.ts';

export type DoctorParts = {
  logger: Logger;
  /** Search path that agents get. */
  agentPath: string;
  nodeVersion: string;
  availableMemory: number;
};

/** Looks at all that a server with this configuration needs. A server may be running, and is not disturbed. */
export async function examine(config: Config, parts: DoctorParts): Promise<Finding[]> {
  const machine = [
    checkNode(parts.nodeVersion),
    checkMemory(parts.availableMemory, config.maxSessions),
    ...(await checkLimits(config.maxSessions)),
  ];
  const model = await checkModels(config);
  const directory = examineDataDirectory(config.dataDir);
  if (directory.finding.level === 'fail') return [...machine, directory.finding, ...model];
  const database = await examineDatabase(config, parts.logger, directory.isInUse);
  return [
    ...machine,
    directory.finding,
    await checkDisk(config.dataDir),
    await checkLeftovers(resolve(config.dataDir)),
    ...database.findings,
    ...(await checkIsolation(config, { dataDir: resolve(config.dataDir), searchPath: parts.agentPath })),
    ...(await checkProcessMemory()),
    ...model,
    checkExposure(config, database.hasKeys),
  ];
}

async function checkModels(config: Config): Promise<Finding[]> {
  if (config.cloud !== null) return [ok('model', `${describeCloud(config.cloud)}: not checked`)];
  const upstreams = [
    ...(needsDemoModel(config) ? [] : [configuredUpstream(config)]),
    ...modelUpstreams(config),
  ];
  if (upstreams.length === 0) return [ok('model', 'the demo model: no key is set')];
  return await Promise.all(upstreams.map(async (upstream) => await checkModel(upstream, config)));
}

/** Takes it for a moment, as a server would for as long as it runs. */
function examineDataDirectory(path: string): { finding: Finding; isInUse: boolean } {
  try {
    using directory = openDataDirectory({ path });
    return { finding: ok('data', `${directory.path} can be written`), isInUse: false };
  } catch (error) {
    if (error instanceof DataDirectoryInUse) {
      return { finding: ok('data', `${path} is in use: a server runs`), isInUse: true };
    }
    if (!(error instanceof StartupError)) throw error;
    return {
      finding: fail('data', error.message, error.hint ?? 'choose another with --data-dir'),
      isInUse: false,
    };
  }
}

async function examineDatabase(config: Config, logger: Logger, isInUse: boolean): Promise<DatabaseReport> {
  if (config.databaseUrl !== null) {
    const target = { connectionString: config.databaseUrl };
    return await checkRunningDatabase(target, {
      logger,
      mend: 'check DATABASE_URL, and that PostgreSQL runs',
    });
  }
  if (isInUse) {
    const target = embeddedConnection(resolve(config.dataDir));
    return await checkRunningDatabase(target, { logger, mend: `see ${config.dataDir}/postgres.log` });
  }
  return { findings: [await checkEmbeddedDatabase(config.dataDir)], hasKeys: null };
}
