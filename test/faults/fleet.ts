/** Three stores in front of one registry, all killed at will, by way of a proxy that counts what moves. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { aci, tar } from '../fixtures/archive.js';
import { cairn } from '../fixtures/cli.js';
import { ociLayout } from '../fixtures/oci.js';

const STORES = ['a', 'b', 'c'];
/** Bytes of each layer: a kill mostly comes in the middle of one. */
const LARGE = 1_000_000;
/** Bytes that the proxy passes on at a time. What a killed reader had not yet read counts as moved, so it is little. */
const PIECE = 16 * 1024;
const PIECE_MS = 8;
/** Bytes that may lie in the kernel: it would take megabytes for a reader whose turn does not come. */
const MOST_UNREAD = 2 * PIECE;

export interface FleetResult {
  rounds: number;
  kills: number;
  /** Bytes of archives that the stores need, each store counted by itself. */
  unique: number;
  moved: number;
  wrong: string[];
}

/** Debian's registry, which is started again each time it is killed. */
class Registry {
  readonly #dir: string;
  readonly #port: number;
  #child: ChildProcess | undefined;

  constructor(dir: string, port: number) {
    this.#dir = dir;
    this.#port = port;
  }

  async start(): Promise<void> {
    const config = join(this.#dir, 'registry.yml');
    const storage = `{filesystem: {rootdirectory: ${join(this.#dir, 'registry')}}}`;
    fs.writeFileSync(config, `version: 0.1\nstorage: ${storage}\nhttp: {addr: 127.0.0.1:${this.#port}}\n`);
    this.#child = spawn('docker-registry', ['serve', config], { stdio: 'ignore' });
    for (let tries = 0; tries < 1200; tries++) {
      if (await this.#answers()) return;
      await sleep(50);
    }
    throw new Error('the registry does not start');
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  async #answers(): Promise<boolean> {
    try {
      return (await fetch(`http://127.0.0.1:${this.#port}/v2/`)).ok;
    } catch {
      return false;
    }
  }
}

async function listen(server: http.Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function freePort(): Promise<number> {
  const server = http.createServer();
  const port = await listen(server);
  server.close();
  return port;
}

/** Bytes that were sent on a connection of this machine with itself, and that its other end has not read. */
function unreadBytes({ localPort, remotePort }: Socket): number {
  const hex = (port = 0): string => port.toString(16).toUpperCase().padStart(4, '0');
  const reader = new RegExp(` \\w+:${hex(remotePort)} \\w+:${hex(localPort)} \\w+ \\w+:(\\w+) `);
  return Number.parseInt(reader.exec(fs.readFileSync('/proc/net/tcp', 'latin1'))?.[1] ?? '0', 16);
}

/** Passes on slowly, and counts the bytes of blobs. A registry that is gone is a connection that ends. */
class CountingProxy {
  moved = 0;
  readonly server: http.Server;

  constructor(target: number) {
    this.server = http.createServer((request, response) => {
      const { method, url = '', headers } = request;
      const counts = method === 'GET' && url.includes('/blobs/');
      const onward = http.request({ port: target, host: '127.0.0.1', method, path: url, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.on('error', () => response.destroy());
        answer
          .pipe(
            counts ? this.#slowly(request.socket) : new Transform({ transform: (chunk, _, done) => done(null, chunk) }),
          )
          .pipe(response);
      });
      onward.on('error', () => response.destroy());
      response.on('close', () => onward.destroy());
      request.pipe(onward);
    });
  }

  #slowly(socket: Socket): Transform {
    const count = (bytes: number): void => {
      this.moved += bytes;
    };
    return new Transform({
      highWaterMark: PIECE,
      async transform(chunk: Buffer, _encoding, done) {
        for (let at = 0; at < chunk.length; at += PIECE) {
          const piece = chunk.subarray(at, at + PIECE);
          count(piece.length);
          this.push(piece);
          do await sleep(PIECE_MS);
          while (unreadBytes(socket) > MOST_UNREAD);
        }
        done();
      },
    });
  }
}

/** OCI images with a layer in common, and an ACI with a dependency. @returns their names */
async function seed(dir: string, remote: string, images: number): Promise<string[]> {
  const store = join(dir, 'seed');
  const layer = (name: string): Buffer => tar([{ name, content: randomBytes(LARGE) }]);
  const base = layer('base');
  const names = Array.from({ length: images }, (_, i) => `image-${i}`);
  const layouts = names.map((name) => {
    ociLayout(join(dir, name), [{ ref: `team/${name}:1`, layers: [base, layer(name)] }]);
    return join(dir, name);
  });
  const version = (value: string) => ({ labels: { version: value } });
  const library = { name: 'example.com/library', ...version('1') };
  const needs = { imageName: library.name, labels: [{ name: 'version', value: '1' }] };
  const app = { name: 'example.com/app', ...version('2'), dependencies: [needs] };
  const acis = [library, app].map((manifest, i) => {
    const path = join(dir, `${i}.aci`);
    fs.writeFileSync(path, aci(manifest, [{ name: `${i}`, content: randomBytes(LARGE) }]));
    return path;
  });
  for (const args of [
    ['import', '--keep-archive', ...layouts, ...acis],
    ['push', '--all', remote],
  ]) {
    const ran = await cairn(args, { store });
    if (ran.code !== 0) throw new Error(ran.stderr);
  }
  return [...names.map((name) => `team/${name}:1`), 'example.com/app:2'];
}

const pick = <T>(from: readonly T[]): T => from[Math.floor(Math.random() * from.length)] as T;

/** @param dir an existing directory for all of it */
export async function runFleet(dir: string, rounds: number): Promise<FleetResult> {
  // Most rounds are to bring something new to one of the stores.
  const images = Math.ceil(rounds / 4);
  const port = await freePort();
  const registry = new Registry(dir, port);
  await registry.start();
  const proxy = new CountingProxy(port);
  const remote = `docker://127.0.0.1:${await listen(proxy.server)}/fleet`;
  try {
    const names = await seed(dir, remote, images);
    const fresh = join(dir, 'fresh');
    proxy.moved = 0;
    for (const name of names) await mustRender(fresh, remote, name);
    const unique = proxy.moved * STORES.length;
    proxy.moved = 0;
    let kills = 0;
    for (let round = 0; round < rounds; round++) kills += await oneRound({ dir, remote, registry }, pick(names));
    const wrong: string[] = [];
    for (const each of STORES) {
      const store = join(dir, each);
      for (const name of names) await mustRender(store, remote, name).catch((error) => wrong.push(`${each}: ${error}`));
      const checked = await cairn(['check'], { store });
      if (checked.code !== 0) wrong.push(`${each}: ${checked.stdout}${checked.stderr}`);
    }
    return { rounds, kills, unique, moved: proxy.moved, wrong };
  } finally {
    await registry.kill();
    proxy.server.closeAllConnections();
    proxy.server.close();
  }
}

async function mustRender(store: string, remote: string, name: string): Promise<void> {
  const ran = await cairn(['--remote', remote, 'render', '--mode', 'link', name], { store });
  if (ran.code !== 0) throw new Error(`${name}: ${ran.stderr}`);
}

/** Renders somewhere. The node or the registry may be killed meanwhile. @returns what was killed */
async function oneRound(
  { dir, remote, registry }: { dir: string; remote: string; registry: Registry },
  name: string,
): Promise<number> {
  const what = pick(['node', 'node', 'registry', 'nothing']);
  let running: ChildProcess | undefined;
  const ended = cairn(['--remote', remote, 'render', '--mode', 'link', name], {
    store: join(dir, pick(STORES)),
    onStart: (child) => {
      running = child;
    },
  });
  if (what === 'nothing') {
    await ended;
    return 0;
  }
  await Promise.race([sleep(Math.random() * 1500), ended]);
  if (what === 'node') running?.kill('SIGKILL');
  else {
    await registry.kill();
    await sleep(Math.random() * 300);
    await registry.start();
  }
  await ended;
  return 1;
}
