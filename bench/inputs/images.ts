/**
 * Layers and App Container Images packed from real files of this machine: what the demo shows, and what a bench without
 * a corpus measures.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { createGzip } from 'node:zlib';
import { type Pack, pack } from 'tar-stream';

export interface Contents {
  /** Directories of this machine and where they go below the root. */
  directories?: readonly Placed[];
  /** Small files: path below the root → content. */
  files?: Readonly<Record<string, string>>;
  /** Files made as they are packed. */
  made?: Iterable<{ path: string; content: Buffer }>;
}

export interface Placed {
  from: string;
  to: string;
}

export interface ImageSpec extends Contents {
  name: string;
  version: string;
  dependencies?: readonly { name: string; version: string }[];
  pathWhitelist?: readonly string[];
}

/** Any fixed time will do: the same files then give the same image. */
const MTIME = new Date('2025-01-01T00:00:00Z');

/**
 * The npm packages installed here, for `lib/`: a thousand real files on any machine that can run this. Scoped ones hold
 * large binaries and are left out, which keeps it quick.
 */
export function installedPackages(): Placed[] {
  const modules = fileURLToPath(new URL('../../../node_modules/', import.meta.url));
  return fs
    .readdirSync(modules)
    .filter((name) => !name.startsWith('.') && !name.startsWith('@'))
    .sort()
    .map((name) => ({ from: join(modules, name), to: `lib/${name}` }));
}

/** Packs a gzipped ACI. @returns the paths below the root that it holds, for whitelists */
export function packImage(file: string, spec: ImageSpec): Promise<string[]> {
  return packed(file, true, async (archive) => {
    await add(archive, { name: 'manifest', type: 'file' }, Buffer.from(manifestOf(spec)));
    await add(archive, { name: 'rootfs', type: 'directory' });
    return addContents(archive, 'rootfs/', spec);
  });
}

/** Packs what an image would hold as a plain tar, as tar programs unpack it. */
export function packTar(file: string, contents: Contents, gzip: boolean): Promise<string[]> {
  return packed(file, gzip, (archive) => addContents(archive, '', contents));
}

async function packed(file: string, gzip: boolean, fill: (archive: Pack) => Promise<string[]>): Promise<string[]> {
  const archive = pack();
  const filling = fill(archive).then(
    (paths) => {
      archive.finalize();
      return paths;
    },
    (error: unknown) => {
      archive.destroy(error as Error);
      return [];
    },
  );
  await pipeline(archive, gzip ? createGzip() : new PassThrough(), fs.createWriteStream(file));
  return filling;
}

function manifestOf({ name, version, dependencies = [], pathWhitelist }: ImageSpec): string {
  return JSON.stringify({
    acKind: 'ImageManifest',
    acVersion: '0.8.11',
    name,
    labels: [{ name: 'version', value: version }],
    dependencies: dependencies.map((each) => ({
      imageName: each.name,
      labels: [{ name: 'version', value: each.version }],
    })),
    ...(pathWhitelist === undefined ? {} : { pathWhitelist }),
  });
}

interface Header {
  name: string;
  type: 'file' | 'directory' | 'symlink';
  mode?: number;
  linkname?: string;
}

function add(archive: Pack, header: Header, content?: Buffer): Promise<void> {
  const mode = header.mode ?? (header.type === 'directory' ? 0o755 : 0o644);
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null): void => (error ? reject(error) : resolve());
    if (content === undefined) archive.entry({ ...header, mode, mtime: MTIME }, done);
    else archive.entry({ ...header, mode, mtime: MTIME, size: content.length }, content, done);
  });
}

async function addContents(archive: Pack, prefix: string, { directories = [], files = {}, made = [] }: Contents) {
  const paths: string[] = [];
  const declared = new Set<string>();
  for (const { from, to } of directories) {
    await declareParents(archive, prefix, to, declared, paths);
    declared.add(to);
    await addTree(archive, prefix, from, to, paths);
  }
  for (const [path, content] of Object.entries(files)) {
    await declareParents(archive, prefix, path, declared, paths);
    await addFile(archive, prefix, path, Buffer.from(content), paths);
  }
  for (const { path, content } of made) {
    await declareParents(archive, prefix, path, declared, paths);
    await addFile(archive, prefix, path, content, paths);
  }
  return paths;
}

async function addFile(archive: Pack, prefix: string, path: string, content: Buffer, paths: string[]): Promise<void> {
  paths.push(`/${path}`);
  await add(archive, { name: prefix + path, type: 'file' }, content);
}

/** Directories that nobody declares get times that no two programs agree on. */
async function declareParents(archive: Pack, prefix: string, path: string, declared: Set<string>, paths: string[]) {
  const parts = path.split('/');
  for (let depth = 1; depth < parts.length; depth++) {
    const parent = parts.slice(0, depth).join('/');
    if (declared.has(parent)) continue;
    declared.add(parent);
    paths.push(`/${parent}`);
    await add(archive, { name: prefix + parent, type: 'directory' });
  }
}

async function addTree(archive: Pack, prefix: string, from: string, to: string, paths: string[]): Promise<void> {
  paths.push(`/${to}`);
  await add(archive, { name: prefix + to, type: 'directory' });
  for (const entry of fs.readdirSync(from, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const source = join(from, entry.name);
    const target = `${to}/${entry.name}`;
    const name = prefix + target;
    if (entry.isDirectory()) await addTree(archive, prefix, source, target, paths);
    else if (entry.isSymbolicLink()) await add(archive, { name, type: 'symlink', linkname: fs.readlinkSync(source) });
    else if (entry.isFile())
      await add(archive, { name, type: 'file', mode: fs.statSync(source).mode & 0o777 }, fs.readFileSync(source));
    else continue;
    if (!entry.isDirectory()) paths.push(`/${target}`);
  }
}
