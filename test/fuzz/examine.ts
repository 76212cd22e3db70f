/**
 * Takes an archive from its bytes to its plan, without a disk: scans it, applies its format's rules, packs and unpacks
 * it, plans it over a lower layer full of traps. Archives that are not refused with a code must be sound in every
 * respect.
 */

import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { CairnError, ERROR_CODES, type ErrorCode } from '../../engine/core/errors.js';
import { DEFAULT_LIMITS, type Limits } from '../../engine/core/limits.js';
import { AciLayer } from '../../engine/layer/aci-rules.js';
import { OciLayer } from '../../engine/layer/oci-rules.js';
import { RecipeWriter, readRecipe } from '../../engine/layer/recipe.js';
import type { ContentRole, LayerRules } from '../../engine/layer/rules.js';
import { TarScanner } from '../../engine/layer/tar/scan.js';
import { decodeToc, encodeToc, type TocEntry } from '../../engine/layer/toc.js';
import { planAci } from '../../engine/plan/aci.js';
import { planOci } from '../../engine/plan/oci.js';
import type { Plan, PlanEntry } from '../../engine/plan/plan.js';
import { treeHashOf } from '../../engine/plan/tree-hash.js';
import { readSource } from '../../workers/import/input.js';
import type { ImageFormat } from '../../workers/tasks/import.js';
import { type EntrySpec, tar } from '../fixtures/archive.js';
import { asRead } from '../fixtures/entries.js';
import type { Random } from './random.js';

/** Lower than the defaults, so that small archives reach the limits. */
export const LIMITS: Limits = { ...DEFAULT_LIMITS, maxBytes: 2 ** 24, maxPax: 2 ** 16, maxEntries: 200 };

export type Verdict = { code: ErrorCode } | { plan: Plan; bytes: Buffer; ended: boolean };

/** The layer below every OCI layer: links that lead out, around and on. */
export const TRAPS: Buffer = tar([
  { name: 'a', flag: '5' },
  { name: 'a/a', content: 'lower' },
  { name: 'a/b', flag: '1', link: 'a/a' },
  { name: 'b/c', content: 'lower' },
  { name: 'l', flag: '2', link: '../../../..' },
  { name: 'm', flag: '2', link: '/a' },
  { name: 'c', flag: '2', link: 'c' },
  { name: 'd', flag: '6' },
] satisfies EntrySpec[]);

let lower: readonly TocEntry[] | undefined;

/** @throws every error that has no documented code: a defect */
export async function examine(archive: Buffer, format: ImageFormat, random: Random): Promise<Verdict> {
  try {
    const compressed = !looksPlain(archive);
    const reader = new Reader(format);
    if (compressed) {
      const control = { cancel: new Int32Array(1), done: new BigInt64Array(3) };
      await readSource(
        { source: { bytes: archive }, control, limits: LIMITS },
        { take: (chunk) => reader.push(chunk) },
      );
    } else for (const chunk of chunksOf(archive, random)) reader.push(chunk);
    const { toc, bytes, ended } = await reader.finish();
    lower ??= (await tocOf(TRAPS)) as TocEntry[];
    const plan = format === 'aci' ? planAci([{ toc, pathWhitelist: [], dependent: -1 }]) : planOci([lower, toc]);
    assertSound(plan);
    return { plan, bytes, ended };
  } catch (error) {
    if (error instanceof CairnError && error.code in ERROR_CODES) return { code: error.code };
    throw error;
  }
}

async function tocOf(layer: Buffer): Promise<TocEntry[]> {
  const reader = new Reader('oci');
  reader.push(layer);
  return (await reader.finish()).toc;
}

/** Whether the archive has no magic number of gzip, bzip2, xz or zstd, so that it is not decompressed. */
function looksPlain(archive: Buffer): boolean {
  const magic = archive.toString('latin1', 0, 4);
  return !/^(?:\x1f\x8b|BZh|\xfd7zX|\x28\xb5\x2f\xfd)/.test(magic);
}

function* chunksOf(archive: Buffer, random: Random): Generator<Buffer> {
  if (random.chance(0.5)) return yield archive;
  for (let at = 0; at < archive.length; ) {
    const end = at + 1 + random.below(random.pick([3, 700, 5000]));
    yield archive.subarray(at, end);
    at = end;
  }
}

/** Reads a layer as the workers do, but into memory. */
class Reader {
  readonly #rules: LayerRules;
  readonly #scanner: TarScanner;
  readonly #all: Buffer[] = [];
  readonly #packed: Buffer[] = [];
  readonly #recipe = new RecipeWriter((packed) => this.#packed.push(Buffer.from(packed)));
  readonly #contents: Buffer[] = [];
  #role: ContentRole = 'none';
  #parts: Buffer[] = [];

  constructor(format: ImageFormat) {
    this.#rules = format === 'aci' ? new AciLayer(LIMITS) : new OciLayer(LIMITS);
    this.#scanner = new TarScanner(
      {
        frame: (bytes) => this.#recipe.frame(bytes),
        entry: (entry) => {
          this.#role = this.#rules.add(entry);
          this.#parts = [];
          if (this.#role === 'object' && entry.stored > 0) this.#recipe.content(entry.stored);
        },
        content: (bytes) => {
          if (this.#role === 'object') this.#parts.push(Buffer.from(bytes));
          else this.#recipe.frame(bytes);
        },
        hole: (length) => {
          if (this.#role === 'object') this.#parts.push(Buffer.alloc(length));
        },
        entryEnd: () => {
          if (this.#role !== 'object') return;
          const content = Buffer.concat(this.#parts);
          (this.#rules.entries.at(-1) as TocEntry).key = hash('sha512', content);
          if (content.length > 0) this.#contents.push(content);
        },
      },
      LIMITS,
      // A layout vouches for its layers by their diffIDs.
      format === 'oci',
    );
  }

  push(chunk: Buffer): void {
    this.#all.push(Buffer.from(chunk));
    this.#scanner.push(chunk);
  }

  async finish(): Promise<{ toc: TocEntry[]; bytes: Buffer; ended: boolean }> {
    this.#scanner.finish();
    const toc = this.#rules.finish();
    assert.deepEqual(decodeToc(encodeToc(toc)), asRead(toc), 'the table of contents is another after packing');
    this.#recipe.finish();
    const bytes = Buffer.concat(this.#all);
    assert.ok((await this.#rebuilt()).equals(bytes), 'recipe and contents do not give the archive back');
    return { toc, bytes, ended: this.#scanner.ended };
  }

  async #rebuilt(): Promise<Buffer> {
    const parts: Buffer[] = [];
    let content = 0;
    const { length } = this.#packed;
    const packed = this.#packed;
    async function* source(): AsyncGenerator<Buffer> {
      for (let i = 0; i < length; i++) yield packed[i] as Buffer;
    }
    for await (const part of readRecipe(source())) {
      if ('frame' in part) parts.push(Buffer.from(part.frame));
      else {
        const next = this.#contents[content++] as Buffer;
        assert.equal(next.length, part.content);
        parts.push(next);
      }
    }
    assert.equal(content, this.#contents.length);
    return Buffer.concat(parts);
  }
}

/** Asserts what holds for every plan. */
export function assertSound(plan: Plan): void {
  const byPath = new Map<string, PlanEntry>();
  let last: string | undefined;
  for (const each of plan.entries) {
    const { path, type, group, key, link } = each;
    assert.ok(last === undefined ? path === '' : last < path, `out of order: ${JSON.stringify(path)}`);
    last = path;
    if (path !== '') {
      for (const part of path.split('/')) {
        assert.ok(
          !['', '.', '..'].includes(part) && part.length <= 255 && !part.includes('\0'),
          `unclean: ${JSON.stringify(path)}`,
        );
      }
      assert.ok(path.length <= 4096);
      const parent = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
      assert.equal(byPath.get(parent)?.type, 'dir', `the parent of ${JSON.stringify(path)}`);
    }
    assert.match(type, /^(?:file|dir|symlink|fifo|char|block)$/);
    assert.equal(/^[0-9a-f]{128}$/.test(key), type === 'file', 'files alone have keys');
    assert.equal(link !== '', type === 'symlink', 'symlinks alone have targets');
    assert.ok(link.length <= 4095 && !link.includes('\0'));
    assert.ok(each.mode >= 0 && each.mode <= 0o7777 && each.uid <= 2 ** 32 - 2 && each.gid <= 2 ** 32 - 2);
    assert.ok(Number.isSafeInteger(each.size) && each.size >= 0);
    // Seconds are below zero before 1970.
    assert.ok(Number.isSafeInteger(each.sec) && each.nsec >= 0 && each.nsec < 1e9);
    byPath.set(path, each);
    if (group !== '') assertSameInode(each, byPath.get(group) as PlanEntry);
  }
  assert.equal(plan.entries[0]?.type, 'dir');
  assert.match(treeHashOf(plan), /^sha512-[0-9a-f]{128}$/);
}

/** @param first the name that comes before all others of its inode */
function assertSameInode(each: PlanEntry, first: PlanEntry): void {
  assert.notEqual(each.type, 'dir', 'a hard link to a directory');
  assert.equal(first?.group, first.path, 'a group without its first name');
  const { path: _path, layer: _layer, ...inode } = each;
  const { path: _first, layer: _other, ...shared } = first;
  assert.deepEqual(inode, shared, 'two names of one inode differ');
}
