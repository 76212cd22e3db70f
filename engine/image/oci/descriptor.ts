/** Reads descriptors and digests (OCI image spec, descriptor). */
import { defined } from '../../core/defined.js';
import { MAX_LABELS } from '../../core/limits.js';
import { quoted } from '../../core/printable.js';
import type { JsonField } from '../json-field.js';

/** What a document says of a blob. */
export interface Descriptor {
  mediaType: string;
  /** `sha256:` and 64 hexadecimal digits in lower case, of the bytes as they are stored. */
  digest: string;
  /** Bytes, as they are stored. */
  size: number;
  annotations: Record<string, string>;
  /** Of an artifact, which is no image. */
  artifactType?: string;
  platform?: Platform;
}

/** The platform that an image runs on, in names of the Go toolchain: `linux`, `arm`, `v7`. */
export interface Platform {
  os: string;
  architecture: string;
  variant?: string;
}

/**
 * Reads a descriptor.
 *
 * @throws CairnError `ERR_BAD_MANIFEST`; `ERR_UNSUPPORTED` for a digest that is not SHA-256
 */
export function readDescriptor(descriptor: JsonField): Descriptor {
  const mediaType = descriptor.exactField('mediaType');
  if (!/^[A-Za-z0-9][\w!#$&^.+-]{0,126}\/[A-Za-z0-9][\w!#$&^.+-]{0,126}$/.test(mediaType.text())) {
    throw mediaType.fault(`not a media type: ${quoted(mediaType.text())}`);
  }
  const size = descriptor.exactField('size');
  if (size.absent) throw size.fault('size is required');
  const platform = readPlatform(descriptor.exactField('platform'));
  return {
    mediaType: mediaType.text(),
    digest: readDigest(descriptor.exactField('digest')),
    size: size.integer(0, Number.MAX_SAFE_INTEGER),
    annotations: descriptor.exactField('annotations').textMap(MAX_LABELS),
    ...defined({ artifactType: descriptor.exactField('artifactType').text() || undefined }),
    ...defined({ platform }),
  };
}

/**
 * Reads a digest: `sha256:` and 64 hexadecimal digits in lower case.
 *
 * @throws CairnError `ERR_BAD_MANIFEST`; `ERR_UNSUPPORTED` for a digest of another algorithm
 */
export function readDigest(field: JsonField): string {
  const digest = field.text();
  if (/^sha256:[0-9a-f]{64}$/.test(digest)) return digest;
  const algorithm = /^([a-z0-9]+(?:[+._-][a-z0-9]+)*):[A-Za-z0-9=_-]+$/.exec(digest)?.[1];
  if (algorithm === undefined || algorithm === 'sha256') {
    throw field.fault(`not a digest: ${quoted(digest)} (sha256: and 64 hexadecimal digits in lower case)`);
  }
  throw field.fault(`digests of ${quoted(algorithm)} are not supported, only sha256`, 'ERR_UNSUPPORTED');
}

/** A platform of empty words is none: some tools write it so. */
function readPlatform(platform: JsonField): Platform | undefined {
  if (platform.absent) return undefined;
  const os = platform.exactField('os').text();
  const architecture = platform.exactField('architecture').text();
  const variant = platform.exactField('variant').text();
  if (os === '' && architecture === '' && variant === '') return undefined;
  if (os === '') throw platform.exactField('os').fault('os is required');
  if (architecture === '') throw platform.exactField('architecture').fault('architecture is required');
  return { os, architecture, ...(variant === '' ? {} : { variant }) };
}
