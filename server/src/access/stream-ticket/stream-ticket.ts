import { z } from 'zod';

/** `POST /stream-tickets` */
export const ticketRequest = z
  .strictObject({
    session_id: z
      .uuid()
      .toLowerCase()
      .nullish()
      .describe('Only for the stream of this session; without it, for any one stream.'),
  })
  .meta({ id: 'StreamTicketRequest', examples: [{ session_id: '019f2d3c-4a5b-7c6d-8e9f-0a1b2c3d4e5f' }] });

export const ticketView = z
  .object({
    ticket: z.string().describe('For `?ticket=` of one event stream, once. It is shown only here.'),
    expires_at: z.iso.datetime(),
  })
  .meta({ id: 'StreamTicket' });
