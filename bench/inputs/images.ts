/**
 * Layers and App Container Images, packed from real files of this machine. The demo shows them, and a bench without a
 * corpus measures them.
 */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { createGzip } from 'node:zlib';
import { type Pack, pack } from 'tar-stream';

export interface Contents {
  /** Directories of this machine, and their places below the root. */
  directories?: readonly Placed[];
  /** The content of small files, by their paths below the root. */
  files?: Readonly<Record<string, string>>;
  /** Files whose content is made while they are packed. */
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

/** A fixed time, so that the same files make the same image. */
const MTIME = new Date('2025-01-01T00:00:00Z');

/**
 * The npm packages that are installed here, to be packed below `lib/`: a thousand real files on any machine that runs
 * this. Scoped packages hold large binaries, and are left out to save time.
 */
export function installedPackages(): Placed[] {
  const modules = fileURLToPath(new URL('../../../node_modules/', import.meta.url));
  return fs
    .readdirSync(modules)
    .filter((name) => !name.startsWith('.') && !name.startsWith('@'))
    .sort()
    .map((name) => ({ from: join(modules, name), to: `lib/${name}` }));
}

/** Packs a gzipped ACI. @returns its paths below the root, as whitelists name them */
export function packImage(file: string, spec: ImageSpec): Promise<string[]> {
  return packed(file, true, async (archive) => {
    await add(archive, { name: 'manifest', type: 'file' }, Buffer.from(manifestOf(spec)));
    await add(archive, { name: 'rootfs', type: 'directory' });
    return addContents(archive, 'rootfs/', spec);
  });
}

/** Packs a tar that has the files of an image, but no manifest and no `rootfs/`. @returns its paths */
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

/** An archive that is being packed. */
interface Packing {
  archive: Pack;
  /** Stands before every name. */
  prefix: string;
  /** The paths that were packed, without the prefix. */
  paths: string[];
  /** The directories that were packed as parents. */
  declared: Set<string>;
}

async function addContents(archive: Pack, prefix: string, { directories = [], files = {}, made = [] }: Contents) {
  const packing: Packing = { archive, prefix, paths: [], declared: new Set() };
  for (const { from, to } of directories) {
    await declareParents(packing, to);
    packing.declared.add(to);
    await addTree(packing, from, to);
  }
  for (const [path, content] of Object.entries(files)) await addFile(packing, path, Buffer.from(content));
  for (const { path, content } of made) await addFile(packing, path, content);
  return packing.paths;
}

async function addFile(packing: Packing, path: string, content: Buffer): Promise<void> {
  await declareParents(packing, path);
  packing.paths.push(`/${path}`);
  await add(packing.archive, { name: packing.prefix + path, type: 'file' }, content);
}

/** Packs the directories above a path. Programs disagree on the times of directories that have no entry. */
async function declareParents({ archive, prefix, paths, declared }: Packing, path: string): Promise<void> {
  const parts = path.split('/');
  for (let depth = 1; depth < parts.length; depth++) {
    const parent = parts.slice(0, depth).join('/');
    if (declared.has(parent)) continue;
    declared.add(parent);
    paths.push(`/${parent}`);
    await add(archive, { name: prefix + parent, type: 'directory' });
  }
}

async function addTree(packing: Packing, from: string, to: string): Promise<void> {
  const { archive, prefix, paths } = packing;
  paths.push(`/${to}`);
  await add(archive, { name: prefix + to, type: 'directory' });
  for (const entry of fs.readdirSync(from, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const source = join(from, entry.name);
    const target = `${to}/${entry.name}`;
    const name = prefix + target;
    if (entry.isDirectory()) await addTree(packing, source, target);
    else if (entry.isSymbolicLink()) await add(archive, { name, type: 'symlink', linkname: fs.readlinkSync(source) });
    else if (entry.isFile())
      await add(archive, { name, type: 'file', mode: fs.statSync(source).mode & 0o777 }, fs.readFileSync(source));
    else continue;
    if (!entry.isDirectory()) paths.push(`/${target}`);
  }
}
