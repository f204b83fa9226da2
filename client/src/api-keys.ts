import { type CallOptions, type Http, path } from './http.ts';
import { followPages } from './pages.ts';
import type { ApiKey, ChangeKeyRequest, CreatedApiKey, CreateKeyRequest, RotateKeyRequest } from './types.ts';

/** Who may use the server, and for what. Needs the scope `admin`. */
export class ApiKeys {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /** Newest first, revoked ones too. Reads further pages as the loop gets to them. */
  list(
    filter: { tenant?: string; pageSize?: number } = {},
    options: CallOptions = {},
  ): AsyncGenerator<ApiKey, void> {
    const { pageSize: limit, ...query } = filter;
    return followPages<ApiKey, string>(async (cursor) => {
      const page = await this.#http.json<{ api_keys: ApiKey[]; next: string | null }>('GET', '/api-keys', {
        query: { ...query, limit, cursor },
        ...options,
      });
      return { items: page.api_keys, next: page.next };
    });
  }

  async get(apiKeyId: string, options: CallOptions = {}): Promise<ApiKey> {
    return await this.#http.json('GET', path`/api-keys/${apiKeyId}`, options);
  }

  /** `key` of the answer is the secret: it is given this once. Not repeated by itself when the connection breaks. */
  async create(request: CreateKeyRequest, options: CallOptions = {}): Promise<CreatedApiKey> {
    return await this.#http.json('POST', '/api-keys', { json: request, ...options });
  }

  async update(apiKeyId: string, change: ChangeKeyRequest, options: CallOptions = {}): Promise<ApiKey> {
    return await this.#http.json('PATCH', path`/api-keys/${apiKeyId}`, { json: change, ...options });
  }

  /** Gives the key a new secret; the one before it still opens for a day, or as long as the request says. */
  async rotate(
    apiKeyId: string,
    request: RotateKeyRequest = {},
    options: CallOptions = {},
  ): Promise<CreatedApiKey> {
    return await this.#http.json('POST', path`/api-keys/${apiKeyId}/rotate`, { json: request, ...options });
  }

  async revoke(apiKeyId: string, options: CallOptions = {}): Promise<ApiKey> {
    return await this.#http.json('DELETE', path`/api-keys/${apiKeyId}`, options);
  }
}
