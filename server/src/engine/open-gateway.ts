import type { Config } from '../ground/config/config.ts';
import type { DatabaseClient } from '../ground/db/client.ts';
import type { Logger } from '../ground/log.ts';
import { startDemoModel } from './gateway/demo-model/demo-model.ts';
import { ModelGateway } from './gateway/gateway.ts';
import { UsageLedger } from './gateway/ledger.ts';
import { PriceList } from './gateway/price-list.ts';
import { readPriceFile } from './gateway/price-table.ts';
import { listPrices } from './gateway/prices.ts';
import {
  configuredUpstream,
  demoUpstream,
  type ModelUpstream,
  modelUpstreams,
  needsDemoModel,
  type Upstream,
} from './gateway/upstream.ts';

export type OpenedGateway = {
  gateway: ModelGateway;
  prices: PriceList;
  upstream: Upstream;
  upstreams: readonly ModelUpstream[];
};

type Opening = { database: DatabaseClient; workerId: string; logger: Logger; stack: AsyncDisposableStack };

/** The gateway with its ledger and what answers behind it: the model APIs that are configured, or the demo model. */
export async function openGateway(
  config: Config,
  { database, workerId, logger, stack }: Opening,
): Promise<OpenedGateway> {
  const upstream = await chooseUpstream(config, stack);
  const upstreams = modelUpstreams(config);
  const prices = readPrices(config, logger);
  const accounts = stack.use(new UsageLedger({ database, prices, workerId, logger }));
  accounts.start();
  const gateway = stack.use(
    new ModelGateway({
      upstream,
      upstreams,
      accounts,
      allowedModels: config.allowedModels,
      memory: config.gatewayMemory,
      proxies: config,
      logger,
    }),
  );
  await gateway.start();
  return { gateway, prices, upstream, upstreams };
}

async function chooseUpstream(config: Config, stack: AsyncDisposableStack): Promise<Upstream> {
  if (!needsDemoModel(config)) return configuredUpstream(config);
  const demo = stack.use(await startDemoModel({ tokensPerSecond: config.demoTokensPerSecond }));
  return demoUpstream(demo.url, config.modelIdleTimeout ?? undefined);
}

function readPrices(config: Config, logger: Logger): PriceList {
  const table = config.prices === null ? listPrices : readPriceFile(config.prices, listPrices);
  return new PriceList(table, (model) =>
    logger.warn({ model }, 'no price is known for this model: it counts at the default price'),
  );
}
