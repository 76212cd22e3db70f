/**
 * Filters of lists of images, as rkt's API service has them: fields of one filter must all fit, of several filters one.
 */
import { CairnError } from '../core/errors.js';
import type { ImageRecord } from '../index/records.js';
import type { ImageSummary } from './image.js';

/** An image fits if it fits every field that is given. */
export interface ImageFilter {
  /** Keys or digests, whole or their beginnings; any of them. */
  ids?: readonly string[];
  /** What a name begins with; any of them. */
  prefixes?: readonly string[];
  /** The last part of a name without its version; any of them. */
  baseNames?: readonly string[];
  /** What a name has in it; any of them. */
  keywords?: readonly string[];
  /** Names without their version; any of them. */
  fullNames?: readonly string[];
  /** All of them. A tag is the label `version`. */
  labels?: Readonly<Record<string, string>>;
  /** Milliseconds since 1970; only later ones, and only earlier ones. */
  importedAfter?: number;
  importedBefore?: number;
  /** Of the manifest; all of them. */
  annotations?: Readonly<Record<string, string>>;
}

/** Reads the annotations of an image's manifest: for those only that fit all else, as it reads a file. */
export type AnnotationsOf = (image: ImageRecord) => Readonly<Record<string, string>>;

type Test = (image: ImageRecord, summary: ImageSummary) => boolean;

/** @returns whether an image fits any of the filters; all images fit none at all */
export function filterTest(filters: readonly ImageFilter[], annotationsOf: AnnotationsOf): Test {
  const tests = filters.map((filter) => testOf(filter, annotationsOf));
  return (image, summary) => tests.length === 0 || tests.some((test) => test(image, summary));
}

function testOf(filter: ImageFilter, annotationsOf: AnnotationsOf): Test {
  for (const field of Object.keys(filter))
    if (!FIELDS.has(field)) throw new CairnError('ERR_USAGE', `images cannot be filtered by ${JSON.stringify(field)}`);
  const { ids, prefixes, baseNames, keywords, fullNames, importedAfter = 0, importedBefore = 0 } = filter;
  const labels = Object.entries(filter.labels ?? {});
  const annotations = Object.entries(filter.annotations ?? {});
  const hashes = ids?.map((id) => id.toLowerCase());
  return (image, summary) => {
    const names = namesIn(summary);
    return (
      any(hashes, (id) => image.key.startsWith(id) || (image.digests ?? []).some((each) => each.startsWith(id))) &&
      any(prefixes, (prefix) => names.some((name) => name.startsWith(prefix))) &&
      any(baseNames, (base) => names.some((name) => name.slice(name.lastIndexOf('/') + 1) === base)) &&
      any(keywords, (word) => names.some((name) => name.includes(word))) &&
      any(fullNames, (full) => names.includes(full)) &&
      (importedAfter === 0 || image.importTime > importedAfter) &&
      (importedBefore === 0 || image.importTime < importedBefore) &&
      labels.every(([name, value]) => hasLabel(summary, name, value)) &&
      (annotations.length === 0 || holds(annotationsOf(image), annotations))
    );
  };
}

const FIELDS: ReadonlySet<string> = new Set<keyof Required<ImageFilter>>([
  ...(['ids', 'prefixes', 'baseNames', 'keywords', 'fullNames'] as const),
  ...(['labels', 'importedAfter', 'importedBefore', 'annotations'] as const),
]);

function any(wanted: readonly string[] | undefined, test: (each: string) => boolean): boolean {
  return wanted === undefined || wanted.length === 0 || wanted.some(test);
}

function namesIn({ name, aliases = [] }: ImageSummary): string[] {
  return [name, ...aliases.map((alias) => alias.name)].filter((each) => each !== '');
}

function hasLabel({ labels, aliases = [] }: ImageSummary, name: string, value: string): boolean {
  return labels[name] === value || aliases.some((alias) => alias.labels[name] === value);
}

function holds(record: Readonly<Record<string, string>>, wanted: readonly [string, string][]): boolean {
  return wanted.every(([name, value]) => Object.hasOwn(record, name) && record[name] === value);
}
