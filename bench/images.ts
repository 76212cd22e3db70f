/** App Container Images packed from real files of this machine: what the demo shows and what a bench without a corpus measures. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type Pack, pack } from 'tar-stream';

export interface ImageSpec {
  name: string;
  version: string;
  dependencies?: readonly { name: string; version: string }[];
  pathWhitelist?: readonly string[];
  /** Directories of this machine and where they go below the root. */
  directories?: readonly { from: string; to: string }[];
  /** Small files: path below the root → content. */
  files?: Readonly<Record<string, string>>;
}

/** Any fixed time will do: the same files then give the same image. */
const MTIME = new Date('2025-01-01T00:00:00Z');

/** Packs a gzipped ACI. @returns the paths below the root that it holds, for whitelists */
export async function packImage(file: string, spec: ImageSpec): Promise<string[]> {
  const archive = pack();
  const paths: string[] = [];
  const fill = async (): Promise<void> => {
    await add(archive, { name: 'manifest', type: 'file' }, Buffer.from(manifestOf(spec)));
    await add(archive, { name: 'rootfs', type: 'directory' });
    for (const { from, to } of spec.directories ?? []) await addTree(archive, from, to, paths);
    for (const [path, content] of Object.entries(spec.files ?? {})) {
      paths.push(`/${path}`);
      await add(archive, { name: `rootfs/${path}`, type: 'file' }, Buffer.from(content));
    }
    archive.finalize();
  };
  const filling = fill().catch((error: unknown) => archive.destroy(error as Error));
  await pipeline(archive, createGzip(), fs.createWriteStream(file));
  await filling;
  return paths;
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

async function addTree(archive: Pack, from: string, to: string, paths: string[]): Promise<void> {
  paths.push(`/${to}`);
  await add(archive, { name: `rootfs/${to}`, type: 'directory' });
  for (const entry of fs.readdirSync(from, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const source = join(from, entry.name);
    const target = `${to}/${entry.name}`;
    if (entry.isDirectory()) {
      await addTree(archive, source, target, paths);
      continue;
    }
    paths.push(`/${target}`);
    const name = `rootfs/${target}`;
    if (entry.isSymbolicLink()) await add(archive, { name, type: 'symlink', linkname: fs.readlinkSync(source) });
    else if (entry.isFile()) {
      await add(archive, { name, type: 'file', mode: fs.statSync(source).mode & 0o777 }, fs.readFileSync(source));
    } else paths.pop();
  }
}
