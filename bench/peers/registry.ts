/** A registry on this machine that has the corpus's image: Debian's docker-registry, by plain HTTP on loopback. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import type { Corpus } from '../inputs/corpus.js';
import { isInstalled } from '../machine/installed.js';
import { run, type Server, serve } from '../measure/process.js';

const NAME = 'bench';
/** It is asked for any free port, and says which one it has got. */
const READY = /listening on (127\.0\.0\.1:[0-9]+)/;

/** What a registry with an image in it needs. */
const PROGRAMS = ['docker-registry', 'skopeo'];

/** @returns why there can be no such registry here; `undefined` where there can */
export function noRegistry(has = isInstalled): string | undefined {
  const missing = PROGRAMS.filter((program) => !has(program));
  return missing.length > 0 ? `${missing.join(', ')} not installed` : undefined;
}

export class ImageRegistry {
  readonly #corpus: Corpus;
  readonly #dir: string;
  #server: Promise<Server> | undefined;
  #address = '';

  /** @param dir for its files, which go with the scratch directory */
  constructor(corpus: Corpus, dir: string) {
    this.#corpus = corpus;
    this.#dir = dir;
  }

  /** Starts it once, and has skopeo push the image to it. */
  readonly open = async (): Promise<void> => {
    this.#server ??= this.#start();
    await this.#server;
  };

  readonly close = async (): Promise<void> => {
    const server = await this.#server;
    await server?.stop();
  };

  /** The image as both cairn and skopeo call it, once the registry is open. */
  get ref(): string {
    return `docker://${this.#address}/${NAME}:latest`;
  }

  /** The addresses of the image's blobs, its configuration's among them. */
  blobs(): string[] {
    const { dir, tag } = this.#corpus.layout;
    const read = (...path: string[]): unknown => JSON.parse(fs.readFileSync(join(dir, ...path), 'utf8'));
    const { manifests } = read('index.json') as { manifests: Tagged[] };
    const named = manifests.find(({ annotations }) => annotations?.[TAG] === tag) as Tagged;
    const manifest = read('blobs', ...named.digest.split(':')) as { config: Blob; layers: Blob[] };
    const digests = new Set([manifest.config, ...manifest.layers].map(({ digest }) => digest));
    return [...digests].map((digest) => `http://${this.#address}/v2/${NAME}/blobs/${digest}`);
  }

  async #start(): Promise<Server> {
    const root = join(this.#dir, 'registry');
    fs.mkdirSync(root, { recursive: true });
    const config = join(root, 'config.yml');
    const storage = `{filesystem: {rootdirectory: ${JSON.stringify(join(root, 'files'))}}}`;
    const log = '{accesslog: {disabled: true}}';
    fs.writeFileSync(config, `version: 0.1\nlog: ${log}\nstorage: ${storage}\nhttp: {addr: "127.0.0.1:0"}\n`);
    const server = await serve(['docker-registry', 'serve', config], READY);
    this.#address = server.ready[1] as string;
    const { dir, tag } = this.#corpus.layout;
    const copy = ['skopeo', '--insecure-policy', 'copy', '--quiet', '--dest-tls-verify=false'] as const;
    await run([...copy, `oci:${dir}:${tag}`, this.ref]);
    return server;
  }
}

const TAG = 'org.opencontainers.image.ref.name';

interface Blob {
  digest: string;
}

interface Tagged extends Blob {
  annotations?: Record<string, string>;
}
