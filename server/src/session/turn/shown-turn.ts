import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import { ITEM_BYTES, MAX_PAGE_BYTES } from '../../ground/util/page.ts';
import type { TurnRow } from './store.ts';
import type { ContentBlock } from './turn.ts';

/** A block of a prompt as it is shown: an image says what it is, and where. */
export type ShownBlock =
  | Extract<ContentBlock, { type: 'text' }>
  | { type: 'image'; media_type: Image['source']['media_type']; size: number; url: string };
type Image = Extract<ContentBlock, { type: 'image' }>;
type Sql = RawBuilder<unknown>;

/** A turn as it is read to be shown. */
export type ShownTurn = Omit<
  TurnRow,
  'tenant_id' | 'api_key_id' | 'urgency' | 'place' | 'options' | 'is_accounted' | 'content'
> & { content: ShownBlock[] | null };

type Row = Omit<ShownTurn, 'content'> & { content: string | null };

/**
 * The content of a prompt with the size of each image in place of its data, which does not leave the database. By its
 * text, since PostgreSQL cannot look into every document; `"data":"` stands before the data of an image alone.
 */
const content = sql`(
  select string_agg(
    case when n = 1 then part
      else (size * 3 / 4 - (size - length(rtrim(left(part, size), '=')))) || substr(part, size + 1) end,
    '"data":"' order by n
  )
  from string_to_table(content::text, '"data":"') with ordinality as parts (part, n),
    lateral (select strpos(part, '"') - 1 as size) as sizes
)`;

const columns = sql`
  id, session_id, number, state, delivery, prompt, ${content} as content, steered_into, result, error, cost_usd, usage, queued_at,
  sent_at, started_at, ended_at`;

/** A page of turns; `isLast`: there is nothing beyond it. */
export type ShownPage = { turns: ShownTurn[]; isLast: boolean };

export type TurnPage = { after: number | null; limit: number; order: 'asc' | 'desc'; maxBytes?: number };

/** By number; `after` is the last one of the page before. */
export async function findTurnPage(
  db: Kysely<Database>,
  sessionId: string,
  { after, limit, order, maxBytes = MAX_PAGE_BYTES }: TurnPage,
): Promise<ShownPage> {
  const beyond = sql.raw(order === 'asc' ? '>' : '<');
  return await readPage(db, {
    where: sql`session_id = ${sessionId} ${after === null ? sql`` : sql`and number ${beyond} ${after}`}`,
    order: sql`number ${sql.raw(order)}`,
    limit,
    maxBytes,
  });
}

/** Turns that wait, in the order in which they will run; `after` is the id of the last one of the page before. */
export async function findQueuePage(
  db: Kysely<Database>,
  sessionId: string,
  { after, limit }: { after: string | null; limit: number },
): Promise<ShownPage> {
  const isBeyond = sql`and (-urgency, place, number) > (
    select -urgency, place, number from turns where session_id = ${sessionId} and id = ${after}
  )`;
  return await readPage(db, {
    where: sql`session_id = ${sessionId} and state = 'queued' ${after === null ? sql`` : isBeyond}`,
    order: sql`urgency desc, place, number`,
    limit,
    maxBytes: MAX_PAGE_BYTES,
  });
}

// As they are sent. The blocks of a prompt say again what its text says, and little of each image.
const size = sql`${ITEM_BYTES}::int + octet_length(to_json(prompt)::text) * case when content is null then 1 else 2 end
  + coalesce(octet_length(result::text), 0) + coalesce(octet_length(error::text), 0)`;

/** A page of large turns ends early; it has at least one. */
async function readPage(
  db: Kysely<Database>,
  { where, order, limit, maxBytes }: { where: Sql; order: Sql; limit: number; maxBytes: number },
): Promise<ShownPage> {
  const { rows } = await sql<Row & { found: number }>`
    select ${columns}, found from (
      select *, count(*) over ()::int as found, sum(size) over (order by nth) as bytes from (
        select *, row_number() over (order by ${order}) as nth, ${size} as size
        from turns where ${where} order by ${order} limit ${limit + 1}
      ) candidates
    ) page
    where bytes <= ${maxBytes} or nth = 1 order by nth limit ${limit}
  `.execute(db);
  const turns = rows.map(({ found: _, ...row }) => toShown(row));
  return { turns, isLast: turns.length === (rows[0]?.found ?? 0) };
}

export async function findShownTurn(
  db: Kysely<Database>,
  { sessionId, id }: { sessionId: string; id: string },
): Promise<ShownTurn | undefined> {
  return await findOne(db, sql`session_id = ${sessionId} and id = ${id}`);
}

export async function findShownRunning(
  db: Kysely<Database>,
  sessionId: string,
): Promise<ShownTurn | undefined> {
  return await findOne(db, sql`session_id = ${sessionId} and state = 'running'`);
}

async function findOne(db: Kysely<Database>, where: Sql): Promise<ShownTurn | undefined> {
  const { rows } = await sql<Row>`select ${columns} from turns where ${where}`.execute(db);
  return rows[0] && toShown(rows[0]);
}

/** In place of an image's data there is its size. */
function toShown({ content, ...row }: Row): ShownTurn {
  const blocks = content === null ? null : (JSON.parse(content) as ContentBlock[]);
  const turn = { sessionId: row.session_id, id: row.id };
  return { ...row, content: blocks && showBlocks(blocks, turn, (data) => Number(data)) };
}

type TurnKey = { sessionId: string; id: string };

/** The content of a prompt that is at hand, as it is shown. */
export function showContent(content: readonly ContentBlock[], turn: TurnKey): ShownBlock[] {
  return showBlocks(content, turn, (data) => Buffer.byteLength(data, 'base64'));
}

function showBlocks(
  blocks: readonly ContentBlock[],
  turn: TurnKey,
  sizeOf: (data: string) => number,
): ShownBlock[] {
  let images = 0;
  return blocks.map((block) => {
    if (block.type === 'text') return block;
    const { media_type, data } = block.source;
    images += 1;
    const url = `/sessions/${turn.sessionId}/turns/${turn.id}/images/${images}`;
    return { type: 'image', media_type, size: sizeOf(data), url };
  });
}

/** An image of a prompt: its data as base64, and since when it is there. */
export type StoredImage = { media_type: Image['source']['media_type']; data: string; queued_at: Date };

/** The image of a turn's prompt with this number, from 1 on. No other leaves the database with it. */
export async function findImage(
  db: Kysely<Database>,
  { sessionId, id, number }: TurnKey & { number: number },
): Promise<StoredImage | undefined> {
  const { rows } = await sql<StoredImage>`
    select media_type, data, queued_at from turns, lateral (
      select n, left(part, strpos(part, '"') - 1) as data,
        substring(right(lag(part) over (order by n), 40) from '"media_type":"([a-z/]+)",$') as media_type
      from string_to_table(content::text, '"data":"') with ordinality as parts (part, n)
    ) as images
    where session_id = ${sessionId} and id = ${id} and n = ${number} + 1
  `.execute(db);
  return rows[0];
}
