/** The part of the façade that makes bundles for OCI runtimes, and takes them apart. */
import { resolve } from 'node:path';
import { checkOptions, mustBe } from '../core/check-options.js';
import { defined } from '../core/defined.js';
import { CairnError, isCairnError } from '../core/errors.js';
import { findingOf } from '../core/finding.js';
import type { LeaseRecord } from '../index/records.js';
import type { Bundle, BundleImageOptions, BundleOptions, HeldBundle } from '../pod/index.js';
import { contextOf } from './opened.js';
import { BUNDLE, BUNDLE_IMAGE } from './option-kinds.js';
import { StoreOfPreparedPods } from './prepared-pods.js';

/** Longer than any bundle is there; it is let go when the bundle is removed. */
const LEASE_MS = 100 * 365 * 24 * 3600 * 1000;

export abstract class StoreOfBundles extends StoreOfPreparedPods {
  /**
   * Makes a bundle of an image at `dir`, for an OCI runtime to run. An overlay holds the image's tree.
   * @param dir is not there yet, or empty
   */
  async bundle(argument: string, dir: string, options: BundleImageOptions = {}): Promise<HeldBundle> {
    mustBe('image', argument, 'text');
    mustBe('dir', dir, 'text');
    checkOptions(options, BUNDLE_IMAGE);
    const { image: key, treeId } = await this.render(argument, { ...findingOf(options), mode: 'link' });
    const context = contextOf(this);
    const { bundleImage } = await import('../pod/bundle/bundle-image.js');
    const [held] = await this.#holding(dir, [treeId], async () => {
      const [image, tree] = [context.index.image(key), context.index.trees.get(treeId)];
      if (image === undefined || tree === undefined) throw goneMeanwhile(argument);
      return [await bundleImage(context, { image, tree }, dir, options)];
    });
    return held as HeldBundle;
  }

  /**
   * Makes a bundle of each app of a prepared pod, at `dir`/APP. Overlays hold the trees, so that the pod may go.
   * @param pod its id, or the beginning of that
   * @param dir is not there yet, or empty
   */
  async bundlePod(pod: string, dir: string, options: BundleOptions = {}): Promise<HeldBundle[]> {
    mustBe('dir', dir, 'text');
    checkOptions(options, BUNDLE);
    const { signal, onProgress } = options;
    const prepared = await this.loadPod(pod, defined({ signal, onProgress }));
    const { bundlePod } = await import('../pod/bundle/bundle-pod.js');
    const trees = prepared.apps.map(({ treeId }) => treeId);
    return this.#holding(dir, trees, () => bundlePod(contextOf(this), prepared, dir, options));
  }

  /**
   * Removes the bundles at `dir`, with all that their apps wrote there, and lets go of their trees.
   * @returns what held the trees
   * @throws CairnError `ERR_NOT_FOUND`, `ERR_USAGE` for a directory without bundles, `ERR_HELD` while one is used
   */
  async removeBundles(dir: string): Promise<LeaseRecord[]> {
    mustBe('dir', dir, 'text');
    const leases = (await this.leases()).filter(({ holder }) => holder === holderOf(dir));
    const { removeBundles } = await import('../pod/bundle/remove-bundles.js');
    try {
      await removeBundles(contextOf(this), dir);
    } catch (error) {
      // Who has deleted the directory already still wants the trees to be free.
      if (!isCairnError(error, 'ERR_NOT_FOUND') || leases.length === 0) throw error;
    }
    for (const { id } of leases) await this.releaseLease(id);
    return leases;
  }

  /** The trees must not be collected before the bundles are there, and not while they are. */
  async #holding(dir: string, treeIds: readonly string[], make: () => Promise<Bundle[]>): Promise<HeldBundle[]> {
    const leases = new Map<string, LeaseRecord>();
    try {
      for (const id of new Set(treeIds)) leases.set(id, await this.#leaseOn(id, dir));
      const bundles = await make();
      const needed = new Set(treeIds.filter((_id, i) => bundles[i]?.mode === 'overlay'));
      for (const [id, lease] of [...leases]) {
        if (needed.has(id)) continue;
        await this.releaseLease(lease.id);
        leases.delete(id);
      }
      return bundles.map((bundle, i) => {
        const treeId = treeIds[i] as string;
        return { ...bundle, treeId, ...defined({ lease: leases.get(treeId)?.id }) };
      });
    } catch (error) {
      for (const { id } of leases.values()) await this.releaseLease(id);
      throw error;
    }
  }

  async #leaseOn(treeId: string, dir: string): Promise<LeaseRecord> {
    const { addLease } = await import('../collect/roots.js');
    const tree = contextOf(this).index.trees.get(treeId);
    if (tree === undefined) throw goneMeanwhile(treeId);
    return addLease(contextOf(this), tree, LEASE_MS, holderOf(dir));
  }
}

function holderOf(dir: string): string {
  return `bundle ${resolve(dir)}`;
}

function goneMeanwhile(what: string): CairnError {
  return new CairnError('ERR_NOT_FOUND', `${what} was removed meanwhile`);
}
