/** Takes an ACI in that lies in a file: nothing of it is visible before it is verified, and what was asked for. */
import { CairnError, isCairnError } from '../../core/errors.js';
import type { Approve, Imported, ImportRequest } from '../../import/index.js';
import { lookAtFile } from '../../import/source/identify.js';
import type { ImageRecord } from '../../index/records.js';
import type { Fetching } from '../fetching.js';
import type { UrlArchive } from './url-archive.js';
import { mustBeVerified, type Verification, type VerifiedArchive } from './verification.js';
import { mustBeWanted, type Wanted } from './wanted.js';

export interface Taking {
  /** What it is called in errors. */
  shown: string;
  /** Absent if it is asked for by its place only. */
  wanted: Wanted | undefined;
  /** Absent where signatures are left out. */
  verification: Verification | undefined;
  /** Runs before the image is visible, once all else is settled. */
  needs: (image: ImageRecord) => Promise<void>;
}

export interface Taken {
  imported: Imported;
  verified: VerifiedArchive | undefined;
}

/** Bytes may be wrong, rather than unwelcome: the next attempt must not build on them. */
const CORRUPT = [
  ...(['ERR_BAD_ARCHIVE', 'ERR_BAD_COMPRESSION', 'ERR_BAD_LINK', 'ERR_BAD_MANIFEST', 'ERR_BAD_SIGNATURE'] as const),
  ...(['ERR_DIGEST_MISMATCH', 'ERR_LIMIT', 'ERR_NAME_MISMATCH', 'ERR_NOT_AN_IMAGE'] as const),
] as const;

/**
 * With a name, the keys that count are known beforehand, and nothing that is not verified is unpacked. Else the name in
 * the image says which keys count.
 * @throws CairnError as an import does, and as {@link Verification.finish} and {@link mustBeWanted} do
 */
export async function takeArchive(
  { importSource }: Fetching,
  archive: UrlArchive,
  { shown, wanted, verification, needs }: Taking,
  request: ImportRequest,
): Promise<Taken> {
  const { path, size } = archive;
  let isSettled = false;
  try {
    let verified = wanted === undefined ? undefined : await verification?.finish(wanted.name, path);
    const approve: Approve = async (image, digest) => {
      if (wanted !== undefined) mustBeWanted(wanted, image, size);
      verified ??= await verification?.finish(image.name, path);
      if (verified !== undefined) mustBeVerified(verified, digest);
      isSettled = true;
      archive.release();
      await needs(image);
      return verified?.signature;
    };
    const open = async () => {
      const { fingerprint } = await lookAtFile(path);
      return { kind: 'aci', source: { path }, size, fingerprint } as const;
    };
    const imported = await importSource({ source: shown, open }, { ...request, approve });
    return { imported, verified };
  } catch (error) {
    if (!isSettled && isCairnError(error, ...CORRUPT)) archive.remove();
    throw isSettled ? error : called(shown, path, error);
  }
}

/** An error that calls the file what its user does. */
function called(shown: string, path: string, error: unknown): unknown {
  if (!isCairnError(error)) return error;
  const { code, message, ...details } = error.toJSON();
  const at = error.path === path ? { path: shown } : {};
  return new CairnError(code, message.replaceAll(path, shown), { ...details, ...at, cause: error.cause });
}
