/** Which archives a layer came in: one layer may come in many, since compressed anew it has another digest. */
import { defined } from '../core/defined.js';

export interface ArchiveDigest {
  /** Of the archive as it came. */
  digest: string;
  /** Cheap to take, so that an archive may be recognised before it is hashed; of a file's bytes alone. */
  fingerprint?: string;
}

/** As records and documents hold it: the digest, and after a space the fingerprint if there is one. */
export function formatArchiveDigest({ digest, fingerprint }: ArchiveDigest): string {
  return fingerprint === undefined ? digest : `${digest} ${fingerprint}`;
}

export function parseArchiveDigest(text: string): ArchiveDigest {
  const [digest, fingerprint] = text.split(' ') as [string, string | undefined];
  return { digest, ...defined({ fingerprint }) };
}

/** Those of both lists, each once. */
export function mergeArchiveDigests(known: readonly ArchiveDigest[], more: readonly ArchiveDigest[]): ArchiveDigest[] {
  return [...new Set([...known, ...more].map(formatArchiveDigest))].map(parseArchiveDigest);
}
