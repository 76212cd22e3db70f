/** Fetches from a path on this machine: as an import does, with a signature where there is one. */
import * as fs from 'node:fs';
import { CairnError } from '../../core/errors.js';
import type { Approve, ImportRequest } from '../../import/index.js';
import { signatureOf } from '../../index/signature.js';
import type { Fetching } from '../fetching.js';
import type { Fetched } from '../options.js';
import { keysForNames } from './keys-for.js';
import { signatureInFile } from './signature-source.js';
import type { Taking } from './take-archive.js';
import { mustBeVerified, Verification, type VerifiedArchive } from './verification.js';

export interface PathRequest {
  ref: string;
  path: string;
  /** Of one of several images there. */
  reference: string | undefined;
  /** The file with signatures, if it is not the one beside. */
  signature: string | undefined;
  signal: AbortSignal | undefined;
  needs: Taking['needs'];
  importing: ImportRequest;
}

/**
 * Who names a file vouches for it. A signature is asked for by naming it, or by laying it beside the file.
 * @throws CairnError as an import does, and as {@link Verification.finish} does; `ERR_USAGE` for a signature of what is
 *   no ACI
 */
export async function fetchByPath(fetching: Fetching, request: PathRequest): Promise<Fetched> {
  const { ref, path, reference, signal, needs, importing } = request;
  const file = signatureFor(request);
  const isChecked = file !== undefined && !fetching.insecure.includes('image');
  const verification = isChecked
    ? new Verification(signatureInFile(file), keysForNames(fetching, signal), signal)
    : undefined;
  let verified: VerifiedArchive | undefined;
  const approve: Approve = async (image, digest) => {
    if (verification !== undefined) {
      if (image.format !== 'aci') throw new CairnError('ERR_USAGE', `${ref} is no ACI, and has no signature beside it`);
      verified = await verification.finish(image.name, path);
      mustBeVerified(verified, digest);
    }
    await needs(image);
    return verified?.signature;
  };
  const source = reference === undefined ? path : `${path}:${reference}`;
  const imported = await fetching.importSource(source, { ...importing, approve });
  const signature = verified === undefined ? null : signatureOf(verified);
  return { ...imported, ref, url: null, downloadedBytes: 0, resumedBytes: 0, signature };
}

function signatureFor({ path, reference, signature }: PathRequest): string | undefined {
  if (signature !== undefined || reference !== undefined) return signature;
  const beside = `${path}.asc`;
  return fs.existsSync(beside) ? beside : undefined;
}
