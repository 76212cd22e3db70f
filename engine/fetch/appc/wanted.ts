/** What an ACI must be to come in: as it was asked for, and as the images say that depend on it. */
import { CairnError } from '../../core/errors.js';
import type { Dependency } from '../../image/aci/manifest.js';
import { formatAppString, parseAppString } from '../../image/aci/names.js';
import type { Label } from '../../image/label.js';
import { hostPlatform, parsePlatform } from '../../image/oci/platform.js';
import { holdsAll } from '../../index/images.js';
import type { ImageRecord } from '../../index/records.js';
import { withHostLabels } from '../../remote/host-labels.js';

/** What images must be that are asked for by their names. */
export interface Wanted {
  name: string;
  /** Labels that it must have. */
  labels: readonly Label[];
  /** Those of this machine, or of the platform that was asked for. An image that has them must have them so. */
  usual: readonly Label[];
  /** A key, or the beginning of one. */
  imageID?: string;
  /** Bytes of the archive, as it is transported or unpacked. */
  size?: number;
}

/** @throws CairnError `ERR_NAME_SYNTAX` */
export function wantedByName(text: string, platform: string | undefined): Wanted {
  return withUsual(parseAppString(text), platform);
}

export function wantedBy({ imageName, labels, imageID, size }: Dependency, platform: string | undefined): Wanted {
  return {
    ...withUsual({ name: imageName, labels }, platform),
    ...(imageID === undefined ? {} : { imageID }),
    ...(size === undefined ? {} : { size }),
  };
}

function withUsual({ name, labels }: Pick<Wanted, 'name' | 'labels'>, platform: string | undefined): Wanted {
  const host = platform === undefined ? hostPlatform(process.arch, process.platform) : parsePlatform(platform);
  return { name, labels, usual: withHostLabels(labels, host).slice(labels.length) };
}

/** All labels that discovery looks for. */
export function labelsOf({ labels, usual }: Wanted): Label[] {
  return [...labels, ...usual];
}

/** For people, and the same for all that want the same. */
export function textOf({ name, labels, imageID, size }: Wanted): string {
  const more = [imageID, size === undefined ? undefined : `${size} bytes`].filter((each) => each !== undefined);
  return `${formatAppString(name, labels)}${more.length === 0 ? '' : ` (${more.join(', ')})`}`;
}

/**
 * @param size bytes of the archive as it came; `undefined` for an image that is here
 * @throws CairnError `ERR_NAME_MISMATCH`, `ERR_DIGEST_MISMATCH`
 */
export function mustBeWanted(wanted: Wanted, image: ImageRecord, size?: number): void {
  const { name, labels, usual, imageID } = wanted;
  if (image.name !== name) throw mismatch(wanted, 'the name', name, image.name);
  const own = new Map(image.labels.map((label) => [label.name, label.value]));
  const wrong =
    labels.find((label) => own.get(label.name) !== label.value) ??
    usual.find((label) => own.has(label.name) && own.get(label.name) !== label.value);
  if (wrong !== undefined)
    throw mismatch(wanted, `the label ${wrong.name}`, wrong.value, own.get(wrong.name) ?? '(none)');
  if (imageID !== undefined && !image.key.startsWith(imageID)) throw otherBytes(wanted, imageID, image.key);
  if (wanted.size === undefined || size === undefined || [size, image.size].includes(wanted.size)) return;
  const found = size === image.size ? `${size} bytes` : `${size} bytes, unpacked ${image.size}`;
  throw otherBytes(wanted, `${wanted.size} bytes`, found);
}

/** Whether an image of the store is what is wanted. */
export function isWanted({ labels, usual, imageID }: Wanted, image: ImageRecord): boolean {
  const present = usual.filter(({ name }) => image.labels.some((label) => label.name === name));
  return holdsAll(image.labels, [...labels, ...present]) && (imageID === undefined || image.key.startsWith(imageID));
}

function mismatch(wanted: Wanted, what: string, expected: string, found: string): CairnError {
  const message = `${textOf(wanted)}: the image that came has ${what} ${found}, not ${expected}`;
  return new CairnError('ERR_NAME_MISMATCH', message, { expected, found });
}

function otherBytes(wanted: Wanted, expected: string, found: string): CairnError {
  const message = `${textOf(wanted)}: another image came: expected ${expected}, found ${found}`;
  return new CairnError('ERR_DIGEST_MISMATCH', message, { expected, found });
}
