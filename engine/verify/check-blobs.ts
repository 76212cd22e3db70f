/** Checks files that are nothing but bytes: blobs, manifests beside trees, and images that trees are mounted from. */
import { type HashedFile, type Look, verifyBlobs } from '../content/verify-files.js';
import { defined } from '../core/defined.js';
import { hexOf } from '../core/key.js';
import type { StoreContext } from '../session/context.js';
import type { Targets } from './check-scope.js';
import { AWAITED, type Damage } from './damage.js';
import { neededBlobs } from './needed-blobs.js';

export interface BlobsDamage {
  /** Bytes that were read. */
  bytes: number;
  damaged: Damage[];
}

/** Checks every blob once, for all images and layers that need it. */
export function damageOfBlobs(store: StoreContext, targets: Targets, look: Look): Promise<BlobsDamage> {
  const { index, layout } = store;
  const files = [...neededBlobs(store, targets)].map(([key, users]) => {
    const record = index.blobs.get(key);
    return { key, users, record, path: layout.blob(key), sha512: hexOf(key), size: record?.size ?? -1 };
  });
  return damageOf(files, look, ({ key, users, record }, what) => {
    const isAwaited = record?.gone === true && what === 'missing';
    return users.map(({ kind, id, part }) => ({
      kind,
      id,
      key,
      what: `${part}: ${isAwaited ? AWAITED : what}`,
      ...defined({ awaited: isAwaited || undefined }),
    }));
  });
}

export function damageOfTreeFiles({ layout }: StoreContext, { trees }: Targets, look: Look): Promise<BlobsDamage> {
  const files = trees.flatMap(({ id, manifest, image }) => [
    ...(manifest === undefined ? [] : [{ id, part: 'manifest', path: layout.treeManifest(id), ...manifest }]),
    ...(image === undefined ? [] : [{ id, part: 'image', path: layout.treeImage(id), ...image }]),
  ]);
  const hashed = files.map((file) => ({ ...file, sha512: hexOf(file.key) }));
  return damageOf(hashed, look, ({ id, part }, what) => [{ kind: 'tree', id, what: `${part}: ${what}` }]);
}

async function damageOf<F extends HashedFile>(
  files: readonly F[],
  look: Look,
  tell: (file: F, what: string) => Damage[],
): Promise<BlobsDamage> {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const { bytes, findings } = await verifyBlobs(
    files.map(({ path, sha512, size }) => ({ path, sha512, size })),
    look,
  );
  return { bytes, damaged: findings.flatMap(({ id, what }) => tell(byPath.get(id) as F, what)) };
}
