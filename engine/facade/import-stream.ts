/** Imports a stream of this process: workers read files and descriptors, so the stream is written down first. */
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { discard } from '../content/delete.js';
import { defined } from '../core/defined.js';
import { CairnError, isCairnError, toCairnError } from '../core/errors.js';
import { newFileSink } from '../disk/output-stream.js';
import type { Imported, ImportFailure, ImportRequest } from '../import/index.js';
import { STDIN } from '../resolve/source-path.js';
import { mustWrite, type StoreContext } from '../session/context.js';

type Import = (path: string, options: ImportRequest) => Promise<(Imported | ImportFailure)[]>;

/** @throws CairnError as an import does; the stream is called `-` as standard input is */
export async function importStream(
  store: StoreContext,
  source: Readable,
  options: ImportRequest,
  importPath: Import,
): Promise<Imported> {
  mustWrite(store);
  const dir = store.staging.make();
  const path = join(dir, 'stream');
  try {
    await pipeline(source, newFileSink(path, 0o600), options.signal === undefined ? {} : { signal: options.signal });
    const [imported] = await importPath(path, { ...options, shownAs: STDIN });
    return { ...(imported as Imported), source: STDIN };
  } catch (thrown) {
    const error = toCairnError(thrown);
    if (!isCairnError(error)) throw error;
    const { code, message, ...details } = error.toJSON();
    const shown = error.path === path ? STDIN : error.path;
    throw new CairnError(code, message.replaceAll(path, STDIN), {
      ...details,
      ...defined({ path: shown }),
      cause: error,
    });
  } finally {
    await discard(store, [dir]);
  }
}
