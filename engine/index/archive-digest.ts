/** The archives that a layer came in. One layer may come in many: compressed anew it has another digest. */
import { defined } from '../core/defined.js';

export interface ArchiveDigest {
  /** Digest of the archive as it came. */
  digest: string;
  /** Cheap to take, and from a file's bytes alone, so that an archive may be recognised before it is hashed. */
  fingerprint?: string;
}

/** The form in records and documents: the digest, then a space and the fingerprint if there is one. */
export function formatArchiveDigest({ digest, fingerprint }: ArchiveDigest): string {
  return fingerprint === undefined ? digest : `${digest} ${fingerprint}`;
}

export function parseArchiveDigest(text: string): ArchiveDigest {
  const [digest, fingerprint] = text.split(' ') as [string, string | undefined];
  return { digest, ...defined({ fingerprint }) };
}

/** The archives of both lists, each once. */
export function mergeArchiveDigests(known: readonly ArchiveDigest[], more: readonly ArchiveDigest[]): ArchiveDigest[] {
  return [...new Set([...known, ...more].map(formatArchiveDigest))].map(parseArchiveDigest);
}
