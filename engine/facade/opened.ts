/** An open store, until it is closed, and how the parts of the façade reach what is behind it. */
import { CairnError } from '../core/errors.js';
import type { Imported, Importer, ImportFailure, OpenableSource } from '../import/index.js';
import type { ImportRequest } from '../import/options.js';
import type { StoreContext } from '../session/context.js';

interface Inside {
  context: StoreContext;
  closed: Promise<void> | undefined;
  /** One importer for all imports, so that concurrent imports are committed together. */
  importer: Promise<Importer> | undefined;
}

/** The inside of each open store. Users of the package see none of it, not even as a type. */
const insides = new WeakMap<OpenedStore, Inside>();

export abstract class OpenedStore implements AsyncDisposable {
  constructor(context: StoreContext) {
    insides.set(this, { context, closed: undefined, importer: undefined });
  }

  get dir(): string {
    return insideOf(this).context.layout.dir;
  }

  /** Waits for running operations, which their own signals can cut short. Closing a closed store does nothing. */
  close(): Promise<void> {
    const inside = insideOf(this);
    inside.closed ??= closeAll(inside.context);
    return inside.closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function insideOf(store: OpenedStore): Inside {
  return insides.get(store) as Inside;
}

/** @throws CairnError `ERR_USAGE` once the store is closed: a closed store should not pass for a damaged one */
export function contextOf(store: OpenedStore): StoreContext {
  const { closed, context } = insideOf(store);
  if (closed !== undefined) throw new CairnError('ERR_USAGE', 'the store is closed', { path: context.layout.dir });
  return context;
}

export async function importFor(
  store: OpenedStore,
  sources: readonly (string | OpenableSource)[],
  options: ImportRequest,
): Promise<(Imported | ImportFailure)[]> {
  const context = contextOf(store);
  const inside = insideOf(store);
  return context.uses.during(options.signal, async () => {
    await context.pool.warm();
    inside.importer ??= import('../import/import.js').then(({ Importer }) => new Importer(context));
    return (await inside.importer).importAll(sources, options);
  });
}

async function closeAll({ uses, index, notice, objects, pool, disk, staging, lanes }: StoreContext): Promise<void> {
  await uses.rest();
  if (index.wasWritten)
    notice('someone wrote to the store while it was being read without locks; read again to be sure');
  const closeFiles = async (): Promise<void> => {
    await pool.close();
    await disk.close();
    staging.close();
    lanes?.close();
    objects.close();
  };
  // The index closes while the threads end, which takes a moment: threads use an index of their own, if any.
  for (const part of await Promise.allSettled([closeFiles(), index.close()]))
    if (part.status === 'rejected') throw part.reason;
}
