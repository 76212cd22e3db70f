/**
 * A render that begins while its image is still being imported: once the objects are where they belong the tree is made in staging, while
 * the import commits. Nothing of it is seen before the image is.
 */
import { join } from 'node:path';
import type { RenderResult } from '../../workers/protocol.js';
import type { StoreContext } from '../context.js';
import { discard } from '../delete.js';
import type { Plan } from '../plan/plan.js';
import type { RenderOptions } from '../render.js';
import { checkPathLengths, execute } from './execute.js';
import { type PackedPlan, packPlan } from './packed-plan.js';

/** @param staging an empty directory, for the tree */
export function stageTree(
  store: StoreContext,
  plan: PackedPlan,
  treeId: string,
  staging: string,
  options: RenderOptions,
): Promise<RenderResult> {
  checkPathLengths(plan, store.layout.rootfs(treeId));
  return execute(store, plan, join(staging, 'rootfs'), store.disk, options.mode ?? 'link', 0, options);
}

/** The commit keeps this thread busy: nobody hands out more shards meanwhile. */
const SHARDS_PER_WORKER = 1;

/** A tree that is being made: complete in the end, but for being durable, named and listed. */
interface StagedTree {
  staging: string;
  made: Promise<RenderResult>;
}

export class TreeAhead {
  readonly #store: StoreContext;
  readonly #options: RenderOptions;
  #planned: { plan: Plan; treeId: string } | undefined;
  #begun: StagedTree | undefined;
  /** What nobody takes. */
  readonly #unwanted: StagedTree[] = [];

  constructor(store: StoreContext, options: RenderOptions) {
    this.#store = store;
    this.#options = options;
  }

  /** The image's plan is made. An import that has to begin once more makes it again. */
  onPlan(plan: Plan, treeId: string): void {
    if (this.#begun !== undefined) this.#unwanted.push(this.#begun);
    this.#begun = undefined;
    this.#planned = { plan, treeId };
  }

  /** All objects of the plan are in their places. */
  onPlaced(): void {
    if (this.#planned === undefined || this.#begun !== undefined) return;
    const { plan, treeId } = this.#planned;
    const staging = this.#store.staging.make();
    const made = this.#stage(plan, treeId, staging);
    // Told to whoever takes it.
    made.catch(() => {});
    this.#begun = { staging, made };
  }

  async #stage(plan: Plan, treeId: string, staging: string): Promise<RenderResult> {
    const { identity, pool } = this.#store;
    const packed = packPlan(plan, identity, pool.size, SHARDS_PER_WORKER);
    return stageTree(this.#store, packed, treeId, staging, this.#options);
  }

  /** The plan, if it has been made. */
  planOf(treeId: string): Plan | undefined {
    return this.#planned?.treeId === treeId ? this.#planned.plan : undefined;
  }

  /** The tree, if it has been begun. From then on its staging is the caller's. */
  take(treeId: string): StagedTree | undefined {
    if (this.#planned?.treeId !== treeId) return undefined;
    const begun = this.#begun;
    this.#begun = undefined;
    return begun;
  }

  /** Deletes what nobody took. */
  async discard(): Promise<void> {
    if (this.#begun !== undefined) this.#unwanted.push(this.#begun);
    this.#begun = undefined;
    for (const { staging, made } of this.#unwanted.splice(0)) {
      await made.catch(() => {});
      await discard(this.#store, [staging]);
    }
  }
}
