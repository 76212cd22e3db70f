/** Which manifests say that they are about another one (OCI distribution spec, listing referrers). */
import type { Limits } from '../core/limits.js';
import { parseJson } from '../image/json.js';
import type { OfferedManifest } from './offered-image.js';

/** The descriptor of a manifest that refers to another. */
export interface Referrer {
  mediaType: string;
  digest: string;
  size: number;
  artifactType: string;
  annotations?: Record<string, string>;
}

/** @returns `undefined` for a manifest that is about none, or another */
export function referrerTo(
  subject: string,
  { mediaType, digest, bytes }: OfferedManifest,
  limits: Pick<Limits, 'maxManifest'>,
): Referrer | undefined {
  const document = parseJson(bytes, 'image manifest', limits) as {
    subject?: { digest?: unknown };
    artifactType?: unknown;
    config?: { mediaType?: unknown };
    annotations?: unknown;
  };
  if (document.subject?.digest !== subject) return undefined;
  const { artifactType, config, annotations } = document;
  const type = typeof artifactType === 'string' && artifactType !== '' ? artifactType : config?.mediaType;
  return {
    ...{ mediaType, digest, size: bytes.length, artifactType: String(type) },
    ...(typeof annotations === 'object' && annotations !== null
      ? { annotations: annotations as Record<string, string> }
      : {}),
  };
}
