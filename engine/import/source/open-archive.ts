/** Archives that hold other archives and documents: read in place where that can be done. */
import { join } from 'node:path';
import type { Source } from '../../../workers/tasks/parts.js';
import { identifyBytes } from '../../layer/compression.js';
import { BLOCK } from '../../layer/tar/header.js';
import type { StoreContext } from '../../session/context.js';
import { withControl } from '../../session/control.js';
import { archiveContainer, type Container } from './container.js';

/**
 * Unpacks an archive once if it is compressed or a stream, and lists what it holds.
 * @param name what people call it
 * @param head its first bytes
 */
export function openArchive(
  store: StoreContext,
  name: string,
  source: Source,
  head: Buffer,
  staging: string,
  signal: AbortSignal | undefined,
): Promise<Container> {
  const { pool, limits } = store;
  const inPlace = 'path' in source && identifyBytes(head.subarray(0, BLOCK), name) === 'none' ? source.path : undefined;
  return withControl(signal, undefined, async (control) => {
    const path = inPlace ?? join(staging, 'spool');
    if (inPlace === undefined) await pool.run<'spool'>({ kind: 'spool', control, source, to: path, limits });
    const members = await pool.run<'list-members'>({ kind: 'list-members', control, path, limits });
    return archiveContainer(name, path, members, limits);
  });
}
