/** Archives that hold other archives and documents: read in place where that can be done. */
import { join } from 'node:path';
import type { Source } from '../../../workers/tasks/parts.js';
import { identifyBytes } from '../../layer/compression.js';
import { BLOCK } from '../../layer/tar/header.js';
import type { StoreContext } from '../../session/context.js';
import { archiveContainer, type Container } from './container.js';

export interface Archive {
  /** What people call it. */
  name: string;
  source: Source;
  /** Its first bytes. */
  head: Buffer;
}

/** Unpacks an archive once if it is compressed or a stream, and lists what it holds. */
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
