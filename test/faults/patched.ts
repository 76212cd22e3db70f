/** A build without one of its protections. A test that finds something in it shows that it can find something. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** This build. */
export const BUILD = fileURLToPath(new URL('../../', import.meta.url));

export interface Patch {
  /** The protection that is missing, as in tables of results. */
  name: string;
  file: string;
  /** Texts or patterns that the compiled file has once, each with its replacement. */
  edits: readonly (readonly [text: string | RegExp, instead: string])[];
}

/** @param dir an empty directory @returns the path of the patched build @throws Error if the build lacks a text */
export function patchedBuild(dir: string, { name, file, edits }: Patch): string {
  const build = join(dir, 'dist');
  fs.cpSync(BUILD, build, { recursive: true });
  for (const beside of ['package.json', 'node_modules']) fs.symlinkSync(join(BUILD, '..', beside), join(dir, beside));
  let code = fs.readFileSync(join(build, file), 'utf8');
  for (const [text, instead] of edits) {
    const pattern = new RegExp(text instanceof RegExp ? text.source : text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'), 'g');
    if (code.match(pattern)?.length !== 1)
      throw new Error(`"${name}" cannot be taken out: ${file} has no single ${text}`);
    code = code.replace(pattern, instead);
  }
  fs.writeFileSync(join(build, file), code);
  // Bundles hold the unpatched code; without them the modules are loaded.
  for (const bundle of ['cli/program.cjs', 'workers/worker.cjs']) fs.rmSync(join(build, bundle));
  return build;
}

/** The index lists an image before its files are in place. */
export const COMMIT_FIRST: Patch = {
  name: 'commit before placing',
  file: 'engine/import/commit.js',
  edits: [
    ['await this.#place(batch, staged).catch(failBatchItem);', 'const place = () => this.#place(batch, staged);'],
    [/const outcomes = await (commitImages\([\s\S]*?, rows\)\));/, 'const outcomes = await $1;\nawait place();'],
  ],
};

/** Staging has no list of names for the next gc. */
export const NO_NOTES: Patch = {
  name: 'no notes in staging',
  file: 'workers/import/layer-sink.js',
  edits: [["fs.writeFileSync(stagedNames(staging), names.join('\\n'), { mode: 0o600 });", '']],
};

/** The index lists a pod before its directory is in place. */
export const POD_COMMIT_FIRST: Patch = {
  name: 'pods listed before placing',
  file: 'engine/pod/prepare.js',
  edits: [
    ['place(store, pod, staged);', ''],
    [/(await makeTrees\(store, listing\);\n\s*\}\n)/, '$1place(store, pod, staged);\n'],
  ],
};

/** A gc does not ask what pods need. */
export const PODS_HOLD_NOTHING: Patch = {
  name: 'pods hold nothing',
  file: 'engine/collect/what-stays.js',
  edits: [['const byPods = neededByPods(store.index);', 'const byPods = { images: new Set(), trees: new Set() };']],
};

/** Data is left to the kernel; the index still syncs. */
export const NO_SYNC: Patch = {
  name: 'no sync of data',
  file: 'engine/disk/durable.js',
  edits: [['async sync() {', 'async sync() {\n        return;']],
};

/** A failed sync counts as a successful one. */
export const DEAF_SYNC: Patch = {
  name: 'failed syncs ignored',
  file: 'engine/disk/native.js',
  edits: [['else if (result === 0)', 'else if (result === 0 || true)']],
};

/** A process that deletes objects does not ask whether others use them. */
export const NO_USE_LOCK: Patch = {
  name: 'no use lock',
  file: 'engine/session/use-lock.js',
  edits: [['const held = this.#count > 0 ? undefined : tryLock(this.#path, true);', 'return { release() { } };']],
};

/** Processes open and write the index at the same time. */
export const NO_TURNS: Patch = {
  name: 'no turns at the index',
  file: 'engine/index/index-lock.js',
  edits: [['if (tryFlock(this.#fd, true))', 'if (true)']],
};

/** Several processes append to one pack. */
export const NO_LANE_LOCK: Patch = {
  name: 'no lock of packs',
  file: 'engine/session/lanes.js',
  edits: [
    [
      /const lock = tryLock\(this\.#layout\.packLock\(pack\), true\);(?=\s+if \(lock === undefined\)\s+return)/,
      'const lock = { release() { } };',
    ],
  ],
};

/** The index forgets which parts of a pack are dead before their space is given back. */
export const FORGOTTEN_FIRST: Patch = {
  name: 'dead parts forgotten before they are punched',
  file: 'engine/content/punch-dead.js',
  edits: [
    [' || !(await punchHoles(store, pack, punching))', ''],
    [
      /(?<=dead: known\.dead - bytes, other: known\.other \+ bytes \}\);\s+\}, dead\.length\);)/,
      'await punchHoles(store, pack, punching);',
    ],
  ],
};

/** What is mounted keeps nothing from a gc. */
export const MOUNTS_HOLD_NOTHING: Patch = {
  name: 'mounts hold nothing',
  file: 'engine/collect/what-stays.js',
  edits: [['...treesInUse(store.layout)', '']],
};

/** A pack that is written anew goes before the index says where its objects are now. */
export const PACK_GONE_FIRST: Patch = {
  name: 'packs deleted before their objects are listed elsewhere',
  file: 'engine/collect/rewrite-packs.js',
  edits: [
    [
      'await store.disk.sync();',
      'await store.disk.sync(); fs.rmSync(store.layout.pack(packFileName(pack)), { force: true });',
    ],
  ],
};
