/** Finds the credentials for a host. Files are read, and helpers asked, when they are needed, and once. */
import { isLoopback } from '../loopback.js';
import { type AuthFile, credentialIn, parseAuthFile, serversOf } from './auth-file.js';
import { type AuthPlace, authDirectories, authPlaces, type Environment } from './auth-places.js';
import { basicAuthorization, bearerAuthorization, type Credential } from './credential.js';
import { credentialFrom } from './helper.js';
import { type HostAuth, readHostAuth } from './host-auth.js';
import { readSecretFile } from './secret-file.js';

export interface CredentialOptions {
  /** In place of podman's own file. */
  authfile?: string | undefined;
  env?: Environment;
  /** Hears of files that others may read. */
  onWarning?: ((message: string) => void) | undefined;
  /** How long a helper may take to answer. */
  helperTimeoutMs?: number;
}

export class Credentials {
  readonly #options: CredentialOptions;
  #files: AuthFile[] | undefined;
  #hosts: HostAuth | undefined;
  /** What helpers answered, by their name and the server. */
  readonly #answers = new Map<string, Promise<Credential | undefined>>();

  constructor(options: CredentialOptions = {}) {
    this.#options = options;
  }

  /**
   * The credential for a registry, or for one of its repositories. Of several files the first that has one counts.
   * @param host as users name it: `docker.io`
   * @throws CairnError `ERR_CONFIG`, `ERR_NOT_FOUND` for a file that was named, `ERR_IO`
   */
  async find(host: string, repository?: string): Promise<Credential | undefined> {
    for (const file of this.#authFiles()) {
      const credential = await this.#findIn(file, host, repository);
      if (credential !== undefined) return credential;
    }
    return this.#hostAuth().registries.get(host);
  }

  /**
   * The value of `Authorization` for a download, of the kind `auth`. It goes only over HTTPS, and to this machine.
   * @throws CairnError `ERR_CONFIG`, `ERR_IO`
   */
  headerFor(url: URL): string | undefined {
    if (url.protocol !== 'https:' && !isLoopback(url.hostname)) return undefined;
    const credential = this.#hostAuth().hosts.get(url.host);
    if (credential?.kind === 'password') return basicAuthorization(credential);
    return credential?.kind === 'bearer' ? bearerAuthorization(credential) : undefined;
  }

  /** As containers-auth.json(5) says: a helper of this registry takes the place of the file's own entries. */
  async #findIn(file: AuthFile, host: string, repository?: string): Promise<Credential | undefined> {
    const own = file.helpers.get(host);
    if (own !== undefined) return this.#ask(own.name, own.server, file.path);
    const entry = credentialIn(file, host, repository);
    if (entry !== undefined || file.store === undefined) return entry;
    for (const server of serversOf(host)) {
      const kept = await this.#ask(file.store, server, file.path);
      if (kept !== undefined) return kept;
    }
    return undefined;
  }

  #ask(name: string, server: string, path: string): Promise<Credential | undefined> {
    const id = `${name} ${server}`;
    const known = this.#answers.get(id);
    if (known !== undefined) return known;
    const answer = credentialFrom({ name, path, timeoutMs: this.#options.helperTimeoutMs }, server);
    this.#answers.set(id, answer);
    return answer;
  }

  #authFiles(): AuthFile[] {
    if (this.#files !== undefined) return this.#files;
    const { authfile, env } = this.#options;
    const files = authPlaces(authfile, env).flatMap((place) => readPlace(place) ?? []);
    for (const { path, isExposed } of files) if (isExposed) this.#warn(path);
    this.#files = files;
    return files;
  }

  #hostAuth(): HostAuth {
    if (this.#hosts !== undefined) return this.#hosts;
    this.#hosts = readHostAuth(authDirectories(this.#options.env));
    for (const path of this.#hosts.exposed) this.#warn(path);
    return this.#hosts;
  }

  #warn(path: string): void {
    this.#options.onWarning?.(`${path} holds credentials, and others may read it: "chmod 600" it`);
  }
}

export function readPlace({ path, isNamed, isLegacy }: AuthPlace): AuthFile | undefined {
  const file = readSecretFile(path, isNamed);
  return file === undefined ? undefined : parseAuthFile(file, isLegacy);
}
