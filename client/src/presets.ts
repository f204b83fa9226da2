import { type CallOptions, type Http, path } from './http.ts';
import type { ChangePresetRequest, CreatePresetRequest, Preset } from './types.ts';

/** Saved bodies of `POST /execute/`. Values of variables and headers are masked; `preset_id` stands for them there. */
export class Presets {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /** By name. */
  async list(options: CallOptions = {}): Promise<Preset[]> {
    return (await this.#http.json<{ presets: Preset[] }>('GET', '/presets', options)).presets;
  }

  async get(presetId: string, options: CallOptions = {}): Promise<Preset> {
    return await this.#http.json('GET', path`/presets/${presetId}`, options);
  }

  /** `name_taken` when there is another one of this name. */
  async create(request: CreatePresetRequest, options: CallOptions = {}): Promise<Preset> {
    return await this.#http.json('POST', '/presets', { json: request, ...options });
  }

  async update(presetId: string, change: ChangePresetRequest, options: CallOptions = {}): Promise<Preset> {
    return await this.#http.json('PATCH', path`/presets/${presetId}`, { json: change, ...options });
  }

  async delete(presetId: string, options: CallOptions = {}): Promise<Preset> {
    return await this.#http.json('DELETE', path`/presets/${presetId}`, options);
  }
}
