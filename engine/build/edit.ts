/** Edits the documents of a build, shows them, and ends it. */
import { resolve } from 'node:path';
import { deletePaths } from '../content/delete.js';
import { DEFAULT_LIMITS, type Limits } from '../core/limits.js';
import { moveAside } from '../disk/durable.js';
import { withCommand } from '../image/aci/acbuild-history.js';
import { type Edit, mustBeEdit } from '../image/edit.js';
import { OCI_MANIFEST } from '../image/oci/documents.js';
import { besideDestination } from '../session/destination.js';
import type { Pool } from '../session/pool.js';
import {
  editWorking,
  encodeDocument,
  encodeWorking,
  readWorking,
  type WorkingImage,
  writeWorking,
} from './documents.js';
import { withBuildLock } from './lock.js';
import { type BuildPlace, placeOfBuild } from './place.js';
import { readState } from './state.js';

export interface EditOptions {
  limits?: Pick<Limits, 'maxManifest'>;
  /** The command that asks for the edits, for the history of a build that keeps acbuild's. */
  command?: { words: string; args: readonly string[] };
}

/**
 * Carries out all edits, or none.
 * @throws CairnError `ERR_NOT_FOUND` for no build, and for what is not there to be removed; `ERR_HELD` while another
 *   command is at work; `ERR_BAD_BUILD`, `ERR_BAD_MANIFEST`, `ERR_UNSUPPORTED`
 */
export async function editBuild(
  dir: string,
  edits: readonly Edit[],
  { limits = DEFAULT_LIMITS, command }: EditOptions = {},
): Promise<void> {
  for (const edit of edits) mustBeEdit(edit);
  const place = placeOfBuild(resolve(dir));
  await withBuildLock(place, () => {
    const { format, history } = readState(place);
    const edited = editWorking(readWorking(place, format, limits), edits, limits);
    writeWorking(place, history ? noted(edited, command) : edited, limits);
  });
}

/** Notes a command that is no edit, in a build that keeps acbuild's history. The caller holds the lock. */
export function noteCommand(place: BuildPlace, command: EditOptions['command'], limits = DEFAULT_LIMITS): void {
  const { format, history } = readState(place);
  if (history) writeWorking(place, noted(readWorking(place, format, limits), command), limits);
}

function noted(working: WorkingImage, command: EditOptions['command']): WorkingImage {
  if (command === undefined || working.format !== 'aci') return working;
  return { format: 'aci', manifest: withCommand(working.manifest, command) };
}

export type WorkingDocument = 'manifest' | 'config';

/** The working document's bytes. An OCI image has two; its manifest as yet says neither configuration nor layers. */
export function readDocument(
  dir: string,
  which?: WorkingDocument,
  limits: Pick<Limits, 'maxManifest'> = DEFAULT_LIMITS,
): Buffer {
  const place = placeOfBuild(resolve(dir));
  const working = readWorking(place, readState(place).format, limits);
  if (working.format === 'aci') return encodeWorking(working);
  if (which !== 'manifest') return encodeDocument(working.config);
  return encodeDocument({ schemaVersion: 2, mediaType: OCI_MANIFEST, annotations: working.annotations });
}

/**
 * Deletes a build. What was written of it stays.
 * @throws CairnError `ERR_NOT_FOUND`, `ERR_HELD` while another command is at work, or something is mounted in it
 */
export async function endBuild(pool: Pool, dir: string): Promise<void> {
  const place = placeOfBuild(resolve(dir));
  await withBuildLock(place, async () => {
    const aside = besideDestination(place.dir);
    moveAside(place.dir, aside);
    await deletePaths(pool, [aside]);
  });
}
