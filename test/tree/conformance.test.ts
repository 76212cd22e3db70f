/** The shared rendering cases, through the real program: the list of `files`, and the tree as files and mounted. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openStore } from '../../engine/store.js';
import { aci, type EntrySpec, tar } from '../fixtures/archive.js';
import { cairn, type Ran, temporaryDirectory } from '../fixtures/cli.js';
import { cannotMountTrees } from '../fixtures/mounting.js';
import { ociLayout } from '../fixtures/oci.js';

interface CaseEntry {
  path: string;
  type: 'file' | 'dir' | 'symlink' | 'hardlink';
  mode?: number;
  uid?: number;
  gid?: number;
  mtime?: number;
  content?: string;
  link?: string;
}

interface CaseImage {
  name: string;
  entries: CaseEntry[];
  /** Only ACIs have dependencies and a whitelist. */
  dependencies?: string[];
  whitelist?: string[];
}

interface Expected {
  path: string;
  type: string;
  mode?: string;
  uid: number;
  gid: number;
  mtime: number;
  content?: string;
  link?: string;
}

interface Case {
  name: string;
  why: string;
  format: 'aci' | 'oci';
  /** OCI: the layers of one image, bottom to top. */
  images: CaseImage[];
  /** ACI: the image that is rendered. */
  top?: string;
  expect?: Expected[];
  refuse?: string;
}

interface Listed extends Omit<Expected, 'content'> {
  size: number;
  key?: string;
}

const SOURCE = fileURLToPath(new URL('../../../test/fixtures/render-cases.json', import.meta.url));
const CASES = JSON.parse(fs.readFileSync(SOURCE, 'utf8')) as Case[];
const FLAGS = { file: '0', hardlink: '1', symlink: '2', dir: '5' } as const;
const OWNERSHIP = process.geteuid?.() === 0;

test('images render as the shared cases say', { concurrency: 2 }, async (t) => {
  const running = CASES.map((each) => {
    const title = each.why === '' ? each.name : `${each.name}: ${each.why}`;
    return t.test(title, (t) => (each.refuse === undefined ? renders(t, each) : refuses(t, each, each.refuse)));
  });
  await Promise.all(running);
});

async function renders(t: TestContext, each: Case): Promise<void> {
  const { store, sources, image } = written(t, each);
  const { expect = [] } = each;
  ok(await cairn(['import', '--jobs', '1', ...sources], { store }));

  const listing = ok(await cairn(['files', '--json', image], { store }));
  const listed = lines<Listed>(listing.stdout);
  assert.deepEqual(listed.map(listedForm), expect.map(expectedForm));

  const [rendered] = ok(await cairn(['render', '--mode', 'link', '--json', image], { store })).json<
    [{ path: string }]
  >();
  assert.deepEqual(onDisk(rendered.path), expect.map(diskForm));
  if (cannotMountTrees() === false) assert.deepEqual(await mounted(store, image), expect.map(diskForm));

  ok(await cairn(['check'], { store }));
}

/** What is in the tree of an image when the kernel mounts it. */
async function mounted(dir: string, image: string): Promise<ReturnType<typeof onDisk>> {
  await using store = await openStore({ dir, workers: 1 });
  const target = `${dir}-mounted`;
  fs.mkdirSync(target);
  await store.mount(image, { dir: target });
  try {
    return onDisk(target);
  } finally {
    await store.unmount(target);
  }
}

async function refuses(t: TestContext, each: Case, code: string): Promise<void> {
  const { store, sources, image } = written(t, each);
  let ran = await cairn(['import', '--json', ...sources], { store });
  if (ran.code === 0) ran = await cairn(['render', '--mode', 'link', '--json', image], { store });
  assert.equal(ran.error().code, code);
  assert.equal(ran.code, code === 'ERR_NOT_FOUND' ? 3 : 1);
}

interface Written {
  store: string;
  sources: string[];
  /** The image that the case is about. */
  image: string;
}

function written(t: TestContext, { format, images, top }: Case): Written {
  const dir = temporaryDirectory(t);
  const store = join(dir, 'store');
  if (format === 'aci') return { store, sources: acis(dir, images), image: `example.com/${top}` };
  const layout = join(dir, 'layout');
  ociLayout(layout, [{ ref: 'top', layers: images.map(({ entries }) => tar(entries.map(entrySpec))) }]);
  return { store, sources: [`${layout}:top`], image: 'top' };
}

/** Writes the images as archives, dependencies first. */
function acis(dir: string, images: readonly CaseImage[]): string[] {
  const sources = new Set<string>();
  const write = (image: CaseImage, above: readonly string[]): void => {
    for (const name of image.dependencies ?? []) {
      const dependency = images.find((each) => each.name === name);
      if (dependency !== undefined && !above.includes(name)) write(dependency, [...above, image.name]);
    }
    const path = join(dir, `${image.name}.aci`);
    fs.writeFileSync(path, archive(image));
    sources.add(path);
  };
  for (const image of images) write(image, []);
  return [...sources];
}

/** Declares the entries of the case and nothing else. */
function archive({ name, entries, dependencies = [], whitelist = [] }: CaseImage): Buffer {
  const manifest = {
    name: `example.com/${name}`,
    dependencies: dependencies.map((each) => ({ imageName: `example.com/${each}` })),
    pathWhitelist: whitelist,
  };
  return aci(manifest, entries.map(entrySpec), false);
}

function entrySpec({ path, type, ...rest }: CaseEntry): EntrySpec {
  return { name: path, flag: FLAGS[type], ...rest };
}

/** The fields that `files` and the case both have. */
function expectedForm({ path, content, mode, ...rest }: Expected) {
  return {
    ...rest,
    path: path === '' ? '.' : path,
    ...(rest.type === 'symlink' ? {} : { mode }),
    ...(content === undefined ? {} : { key: keyOf(content), size: Buffer.byteLength(content) }),
  };
}

function listedForm({ path, type, mode, uid, gid, mtime, size, key, link }: Listed) {
  return {
    path,
    type,
    uid,
    gid,
    mtime,
    ...(type === 'symlink' ? { link } : { mode }),
    ...(type === 'file' ? { key, size } : {}),
  };
}

function diskForm({ uid, gid, mode, ...rest }: Expected) {
  return { ...rest, ...(OWNERSHIP ? { uid, gid } : {}), ...(rest.type === 'symlink' ? {} : { mode }) };
}

/** Everything at and below a directory, in byte order of its (ASCII) paths. */
function onDisk(root: string): unknown[] {
  return ['', ...pathsBelow(root)].map((path) => {
    const full = join(root, path);
    const stat = fs.lstatSync(full);
    const type = stat.isFile() ? 'file' : stat.isDirectory() ? 'dir' : stat.isSymbolicLink() ? 'symlink' : 'other';
    return {
      path,
      type,
      mtime: stat.mtimeMs / 1000,
      ...(OWNERSHIP ? { uid: stat.uid, gid: stat.gid } : {}),
      ...(type === 'symlink' ? { link: fs.readlinkSync(full) } : { mode: octal(stat.mode) }),
      ...(type === 'file' ? { content: fs.readFileSync(full, 'utf8') } : {}),
    };
  });
}

/** Node's own recursion goes through symlinks. */
function pathsBelow(root: string): string[] {
  const below = (dir: string): string[] =>
    fs.readdirSync(join(root, dir), { withFileTypes: true }).flatMap((each) => {
      const path = join(dir, each.name);
      return each.isDirectory() ? [path, ...below(path)] : [path];
    });
  return below('').sort();
}

function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}

function keyOf(content: string): string {
  return `sha512-${createHash('sha512').update(content).digest('hex')}`;
}

function lines<T>(bytes: Buffer): T[] {
  const text = bytes.toString('utf8').split('\n');
  assert.equal(text.pop(), '');
  return text.map((line) => JSON.parse(line) as T);
}

function ok(ran: Ran): Ran {
  assert.equal(ran.code, 0, ran.stderr);
  return ran;
}
