import { defined } from '../../core/defined.js';
import { quoted } from '../../core/printable.js';
import type { Place } from '../json-field.js';

/** What one document says about a blob (OCI image spec, descriptor). */
export interface Descriptor {
  mediaType: string;
  /** `sha256:` and 64 hexadecimal digits in lower case, of the bytes as they are stored. */
  digest: string;
  /** Bytes, as they are stored. */
  size: number;
  annotations: Record<string, string>;
  platform?: Platform;
}

/** What an image runs on, in the words of the Go toolchain: `linux`, `arm`, `v7`. */
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
export function readDescriptor(place: Place): Descriptor {
  const mediaType = place.exactField('mediaType');
  if (!/^[A-Za-z0-9][\w!#$&^.+-]{0,126}\/[A-Za-z0-9][\w!#$&^.+-]{0,126}$/.test(mediaType.text())) {
    throw mediaType.fault(`not a media type: ${quoted(mediaType.text())}`);
  }
  const size = place.exactField('size');
  if (size.absent) throw size.fault('size is required');
  const platform = readPlatform(place.exactField('platform'));
  return {
    mediaType: mediaType.text(),
    digest: readDigest(place.exactField('digest')),
    size: size.integer(0, Number.MAX_SAFE_INTEGER),
    annotations: place.exactField('annotations').textMap(),
    ...defined({ platform }),
  };
}

/**
 * Reads a digest: `sha256:` and 64 hexadecimal digits in lower case.
 *
 * @throws CairnError `ERR_BAD_MANIFEST`; `ERR_UNSUPPORTED` for one of another algorithm
 */
export function readDigest(place: Place): string {
  const digest = place.text();
  if (/^sha256:[0-9a-f]{64}$/.test(digest)) return digest;
  const algorithm = /^([a-z0-9]+(?:[+._-][a-z0-9]+)*):[A-Za-z0-9=_-]+$/.exec(digest)?.[1];
  if (algorithm === undefined || algorithm === 'sha256') {
    throw place.fault(`not a digest: ${quoted(digest)} (sha256: and 64 hexadecimal digits in lower case)`);
  }
  throw place.fault(`digests of ${quoted(algorithm)} are not supported, only sha256`, 'ERR_UNSUPPORTED');
}

/** Some tools write a platform of empty words where they mean none. */
function readPlatform(place: Place): Platform | undefined {
  if (place.absent) return undefined;
  const os = place.exactField('os').text();
  const architecture = place.exactField('architecture').text();
  const variant = place.exactField('variant').text();
  if (os === '' && architecture === '' && variant === '') return undefined;
  if (os === '') throw place.exactField('os').fault('os is required');
  if (architecture === '') throw place.exactField('architecture').fault('architecture is required');
  return { os, architecture, ...(variant === '' ? {} : { variant }) };
}
