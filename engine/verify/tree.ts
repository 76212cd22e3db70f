/** Has the workers compare a rendered tree with its plan. */
import type { Finding, VerifyResult } from '../../workers/tasks/verify.js';
import type { Look } from '../content/verify-files.js';
import { batches } from '../core/batches.js';
import { type ByteString, fromText, toFsPath } from '../core/bytes.js';
import { defined } from '../core/defined.js';
import { mapped } from '../core/mapped.js';
import type { SkippedKind } from '../core/metadata.js';
import { parentOf } from '../core/path.js';
import { statOrFault } from '../disk/path-fault.js';
import type { TreeRecord } from '../index/records.js';
import { parseFileName } from '../objects/name.js';
import type { Plan, PlanEntry } from '../plan/plan.js';
import { packShard } from '../plan/shard.js';
import type { StoreContext } from '../session/context.js';
import { extraPaths } from './extra-paths.js';

export interface TreeLook {
  tree: TreeRecord;
  plan: Plan;
  /** Object name → inode; 0 for an object that was not looked at. */
  inodeOf: (object: string) => bigint;
}

/** Finds differences, by path below the root. Files that are links to objects are checked with the objects. */
export async function verifyTree(
  store: StoreContext,
  { tree, plan, inodeOf }: TreeLook,
  { work, quick }: Look,
): Promise<VerifyResult> {
  const { objects } = store;
  const root = store.layout.rootfs(tree.id);
  const linked = tree.mode === 'link';
  const children = countChildren(plan);
  const inodeOfEntry = (entry: PlanEntry): bigint =>
    linked && entry.type === 'file' ? inodeOf(objects.nameOf(entry)) : 0n;
  const parts = batches(plan.entries, ({ size }) => (linked ? 0 : size));
  const results = await work.map(
    'verify-tree',
    mapped(parts, (own) => ({
      quick,
      root,
      objects: objects.at,
      shard: packShard(own),
      sizes: Float64Array.from(own, ({ size }) => size),
      children: Uint32Array.from(own, ({ path, type }) => (type === 'dir' ? (children.get(path) ?? 0) : 0)),
      inodes: BigUint64Array.from(own, inodeOfEntry),
      groups: own.map(({ group }) => group).join('\0'),
      linked,
      skipped: Object.keys(tree.skipped) as SkippedKind[],
    })),
  );
  const findings = results.flatMap((result) => result.findings);
  if (!results.every(({ exact }) => exact)) findings.push(...extraPaths(root, plan));
  const bytes = results.reduce((sum, result) => sum + result.bytes, 0);
  return { bytes, findings };
}

/** Directory → the number of names planned in it. */
function countChildren({ entries }: Plan): Map<ByteString, number> {
  const counts = new Map<ByteString, number>();
  for (const { path } of entries) {
    if (path === '') continue;
    const parent = parentOf(path);
    counts.set(parent, (counts.get(parent) ?? 0) + 1);
  }
  return counts;
}

/** A damaged file in an object's place, or one with other metadata. */
export interface DamagedFile {
  /** Its name among objects. */
  id: string;
  ino: bigint;
  dev: bigint;
  what: string;
  /** Its content is right. */
  metadata?: true;
}

export interface ObjectInTree extends Finding {
  /** The name of the object's file. */
  object: string;
}

/**
 * Paths of a tree that are names of damaged files, or that a mount of the tree finds there.
 * @param damaged object name → its files
 */
export function pathsOfDamaged(
  { layout, objects }: StoreContext,
  tree: TreeRecord,
  plan: Plan,
  damaged: ReadonlyMap<string, readonly DamagedFile[]>,
): ObjectInTree[] {
  if (damaged.size === 0) return [];
  const root = layout.rootfs(tree.id);
  return plan.entries.flatMap((entry) => {
    const files = entry.type === 'file' ? damaged.get(objects.nameOf(entry)) : undefined;
    if (files === undefined) return [];
    if (tree.mode === 'mount') return toldOf(entry.path, files.filter(isFirstFile));
    const path = toFsPath(`${fromText(root)}/${entry.path}`);
    const stat = statOrFault(path);
    if (typeof stat === 'string') return []; // that much is told of it already
    return toldOf(
      entry.path,
      files.filter(({ ino, dev }) => ino === stat.ino && dev === stat.dev),
    );
  });
}

function toldOf(path: ByteString, files: readonly DamagedFile[]): ObjectInTree[] {
  return files.map(({ id: object, what, metadata }) => ({
    id: path,
    what: `its object: ${what}`,
    object,
    ...defined({ metadata }),
  }));
}

/** Mounts read an object's first file. They have metadata of their own. */
function isFirstFile({ id, metadata }: DamagedFile): boolean {
  return parseFileName(id).copy === 0 && metadata !== true;
}
