/** Fetches an ACI from a URL: first its bytes, then, when it is settled which place they come from, the image. */
import type { CameFromUrl } from '../../content/url-notes.js';
import { isCairnError } from '../../core/errors.js';
import type { OperationOptions } from '../../core/operation.js';
import type { ImportRequest } from '../../import/index.js';
import { checkExpected } from '../../import/options.js';
import type { ImageRecord } from '../../index/records.js';
import { signatureOf } from '../../index/signature.js';
import { shownUrl } from '../../remote/shown-url.js';
import type { Fetching } from '../fetching.js';
import { alreadyHere } from '../here.js';
import type { Fetched } from '../options.js';
import { keysForNames } from './keys-for.js';
import { signatureAt, signatureInFile } from './signature-source.js';
import { type Taking, takeArchive } from './take-archive.js';
import { UrlArchive } from './url-archive.js';
import { type KeysFor, mustStillCount, Verification } from './verification.js';
import { mustBeWanted, type Wanted } from './wanted.js';

/** Where an ACI is, and where its signatures are. */
export interface Place {
  url: URL;
  signatures: URL;
}

export interface UrlRequest extends OperationOptions {
  /** As the caller named the image. */
  ref: string;
  wanted: Wanted | undefined;
  /** A file with signatures, in place of those of the server. */
  signature: string | undefined;
  /** Further tries after failures that pass, if fewer than usual. */
  retries?: number | undefined;
  needs: Taking['needs'];
  importing: ImportRequest;
}

/** An archive that is on this machine, though its image may not be in the store yet. */
export interface Got {
  archive: UrlArchive;
  /** Absent where signatures are left out. */
  verification: Verification | undefined;
  /** The image that came from there before. It would be the same again. */
  here: ImageRecord | undefined;
}

/** ACIs that come at a time. */
const AT_A_TIME = 6;

/** Looks for an ACI, and gets it, when it is its turn. @throws CairnError `ERR_ABORTED`, and as the work does */
export async function inTurn<T>(
  { slots }: Fetching,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  const leave = await slots.acquire(AT_A_TIME, signal);
  try {
    return await work();
  } finally {
    leave();
  }
}

/**
 * Gets the bytes of an ACI, and says as early as can be if they would not count.
 * @throws CairnError as {@link UrlArchive} and {@link Verification.begin} do
 */
export async function getFrom(fetching: Fetching, { url, signatures }: Place, request: UrlRequest): Promise<Got> {
  const { http, insecure } = fetching;
  const { signal, signature, wanted } = request;
  const keys = keysForNames(fetching, signal);
  const source = signature === undefined ? signatureAt(http, signatures, request) : signatureInFile(signature);
  const verification = insecure.includes('image') ? undefined : new Verification(source, keys, signal);
  const archive = await UrlArchive.open(fetching, url, signal);
  try {
    const isGood = async (came: CameFromUrl, image: ImageRecord): Promise<boolean> => {
      if (request.importing.keepArchive === true && image.archives === undefined) return false;
      // A file with signatures says something of the bytes, which are not here any more.
      return verification === undefined || (signature === undefined && (await isStillSigned(came, image, keys)));
    };
    const here = await archive.unchanged(isGood, request);
    if (here === undefined) {
      await verification?.begin(wanted?.name);
      await archive.download(request.ref, request);
    }
    return { archive, verification, here };
  } catch (error) {
    archive.release();
    throw error;
  }
}

async function isStillSigned({ signed }: CameFromUrl, image: ImageRecord, keysOf: KeysFor): Promise<boolean> {
  if (signed === undefined || image.signature === undefined) return false;
  try {
    await mustStillCount(Buffer.from(signed.signatures, 'base64'), signed.key, await keysOf(image.name));
    return true;
  } catch (error) {
    // The server may have a signature by another key by now, and else tells what is wrong.
    if (isCairnError(error)) return false;
    throw error;
  }
}

/** Takes in what was gotten. @throws CairnError as {@link takeArchive} does */
export async function takeFrom(fetching: Fetching, { archive, verification, here }: Got, request: UrlRequest) {
  const { ref, wanted, needs, importing } = request;
  const url = shownUrl(archive.url);
  try {
    if (here !== undefined) return await takeHere(fetching, here, { url, archive, request });
    const taking = { shown: ref, wanted, verification, needs };
    const { imported, verified } = await takeArchive(fetching, archive, taking, importing);
    const signed =
      verified === undefined
        ? undefined
        : { signatures: verified.signatures.toString('base64'), key: verified.signature.key };
    archive.keep(imported.key, signed);
    const { downloadedBytes, resumedBytes } = archive;
    const fetched: Fetched = {
      ...imported,
      ref,
      url,
      downloadedBytes,
      resumedBytes,
      signature: verified === undefined ? null : signatureOf(verified),
    };
    return fetched;
  } finally {
    archive.release();
  }
}

interface Again {
  url: string;
  archive: UrlArchive;
  request: UrlRequest;
}

async function takeHere(
  fetching: Fetching,
  image: ImageRecord,
  { url, archive, request: { ref, wanted, importing, needs } }: Again,
): Promise<Fetched> {
  if (wanted !== undefined) mustBeWanted(wanted, image, archive.size);
  const archives = image.layers.flatMap((key) => fetching.store.index.layer(key)?.archiveDigests ?? []);
  checkExpected(importing.expect, [image.key, ...archives.map(({ digest }) => digest)]);
  archive.release();
  await needs(image);
  return alreadyHere(fetching, ref, image, url);
}
