/** Opens archives that hold other archives and documents: in place, where possible. */
import { join } from 'node:path';
import type { Source } from '../../../workers/tasks/parts.js';
import { identifyBytes } from '../../layer/compression.js';
import { BLOCK } from '../../layer/tar/header.js';
import type { StoreContext } from '../../session/context.js';
import { archiveContainer, type Container } from './container.js';

export interface Archive {
  /** The name for users. */
  name: string;
  source: Source;
  /** The archive's first bytes. */
  head: Buffer;
}

/** Lists the members of an archive. An archive that is compressed or a stream is unpacked once for that. */
export function openArchive(
  store: StoreContext,
  { name, source, head }: Archive,
  staging: string,
  signal: AbortSignal | undefined,
): Promise<Container> {
  const { pool, limits } = store;
  const inPlace = 'path' in source && identifyBytes(head.subarray(0, BLOCK), name) === 'none' ? source.path : undefined;
  return pool.during({ signal }, async (work) => {
    const path = inPlace ?? join(staging, 'spool');
    if (inPlace === undefined) await work.ask('spool', { source, to: path, limits });
    const members = await work.ask('list-members', { path, limits });
    return archiveContainer(name, path, members, limits);
  });
}
