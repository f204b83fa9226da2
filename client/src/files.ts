import { type Call, type CallOptions, type FileContent, type Http, path, toSegments } from './http.ts';
import type { FileListing, FileWritten } from './types.ts';

/** The files of a session's workspace. Paths are relative to it, with slashes. */
export class Files {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /** A directory's entries; of the whole workspace without a path. */
  async list(
    sessionId: string,
    query: { path?: string; recursive?: boolean } = {},
    options: CallOptions = {},
  ): Promise<FileListing> {
    const { path: directory = '', recursive } = query;
    return await this.#http.json('GET', toUrl(sessionId, directory), { query: { recursive }, ...options });
  }

  /** A whole file. */
  async read(sessionId: string, file: string, options: CallOptions = {}): Promise<Uint8Array> {
    const read = async (response: Response): Promise<Uint8Array> =>
      new Uint8Array(await response.arrayBuffer());
    return await this.#http.request('GET', toUrl(sessionId, file), { ...options, read });
  }

  /** A file as it comes, with its headers (`etag`, `content-type`); a part of it with `range: 'bytes=0-99'`. */
  async open(
    sessionId: string,
    file: string,
    options: CallOptions & { range?: string } = {},
  ): Promise<Response> {
    const { range, ...call } = options;
    return await this.#download(toUrl(sessionId, file), {
      ...call,
      ...(range === undefined ? {} : { headers: { range } }),
    });
  }

  /**
   * Writes a file, and the directories above it. `ifMatch`: only over the version with this etag; `ifMissing`: only
   * when there is none. Otherwise it is a `GreenroomError` `precondition_failed`.
   */
  async write(
    sessionId: string,
    file: string,
    content: FileContent,
    options: CallOptions & { ifMatch?: string; ifMissing?: boolean } = {},
  ): Promise<FileWritten> {
    const { ifMatch, ifMissing, signal } = options;
    return await this.#http.json('PUT', toUrl(sessionId, file), {
      body: content,
      headers: {
        'content-type': 'application/octet-stream',
        ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }),
        ...(ifMissing ? { 'if-none-match': '*' } : {}),
      },
      signal,
    });
  }

  /** `recursive`: a directory that is not empty, with all that is in it. */
  async delete(
    sessionId: string,
    file: string,
    options: CallOptions & { recursive?: boolean } = {},
  ): Promise<{ path: string }> {
    const { recursive, signal } = options;
    return await this.#http.json('DELETE', toUrl(sessionId, file), { query: { recursive }, signal });
  }

  /** The workspace, or a directory of it, as a tar archive that comes as its body is read. */
  async archive(
    sessionId: string,
    query: { path?: string } = {},
    options: CallOptions = {},
  ): Promise<Response> {
    return await this.#download(path`/sessions/${sessionId}/archive`, { query, ...options });
  }

  async #download(url: string, call: Call): Promise<Response> {
    return await this.#http.request('GET', url, { ...call, read: async (response) => response });
  }
}

function toUrl(sessionId: string, file: string): string {
  const files = path`/sessions/${sessionId}/files`;
  return file === '' ? files : `${files}/${toSegments(file)}`;
}
