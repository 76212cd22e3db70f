/** Makes an image of one layer's tar, with the smallest configuration that the specification allows. */
import { join } from 'node:path';
import type { Source } from '../../../workers/tasks/parts.js';
import { CairnError } from '../../core/errors.js';
import { digestOf } from '../../core/key.js';
import { parseConfig } from '../../image/oci/documents.js';
import { hostPlatform, parsePlatform } from '../../image/oci/platform.js';
import type { StoreContext } from '../../session/context.js';
import type { ImportOptions } from '../options.js';
import type { ChosenImage } from './choose-image.js';
import type { Container } from './container.js';

/** The name of the layer in its made-up container. */
const MEMBER = 'layer.tar';

/**
 * Unpacks the tar to staging, since the configuration needs its digest first.
 * @throws CairnError `ERR_NOT_AN_IMAGE` for no bytes at all, and what unpacking throws
 */
export async function chooseSingleLayer(
  store: StoreContext,
  source: Source,
  staging: string,
  { signal, platform }: ImportOptions,
): Promise<{ container: Container; chosen: ChosenImage }> {
  const { pool, limits } = store;
  const path = join(staging, MEMBER);
  const spooled = await pool.ask('spool', { source, to: path, limits, diffId: true }, { signal });
  if (spooled.size === 0) throw new CairnError('ERR_NOT_AN_IMAGE', 'it is empty, without even an end marker');
  const { os, architecture, variant } =
    platform === undefined ? hostPlatform(process.arch, process.platform) : parsePlatform(platform);
  const diffId = `sha256:${spooled.diffId}`;
  const bytes = Buffer.from(
    JSON.stringify({ architecture, os, variant, rootfs: { type: 'layers', diff_ids: [diffId] } }),
  );
  const container: Container = {
    path: MEMBER,
    has: (name) => name === MEMBER,
    read: async () => Buffer.alloc(0),
    blob: () => ({ source: { path }, size: spooled.size }),
  };
  const config = { bytes, digest: digestOf(bytes), parsed: parseConfig(bytes, limits) };
  return {
    container,
    chosen: { config, layers: [{ member: MEMBER, diffId }], references: [], isBare: true },
  };
}
