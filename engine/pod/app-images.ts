/** Finds the images that a pod's manifest names. Its ID, name and labels must agree, as far as they are given. */
import { CairnError } from '../core/errors.js';
import type { FindOptions, PullPolicy } from '../core/finding.js';
import { type HashPrefix, parseHashPrefix } from '../core/key.js';
import type { OperationOptions } from '../core/operation.js';
import { formatAppString } from '../image/aci/names.js';
import type { RuntimeApp, RuntimeImage } from '../image/aci/pod.js';
import { holdsAll, imagesByHash, namesMeant, platformLabels, referencesOf, titleOf } from '../index/images.js';
import type { ImageRecord } from '../index/records.js';
import { ambiguous } from '../resolve/argument.js';
import type { StoreContext } from '../session/context.js';

export interface FindRequest extends OperationOptions, FindOptions {
  pull: PullPolicy;
}

/** Finds the image that an argument means, and fetches or imports it as far as the policy says. */
export type FindImage = (argument: string, request: FindRequest) => Promise<ImageRecord>;

/**
 * @param app of a pod's manifest
 * @throws CairnError `ERR_NOT_FOUND`, `ERR_AMBIGUOUS_KEY`, `ERR_NAME_MISMATCH`, each naming the app; and as `find` does
 */
export async function findAppImage(
  store: StoreContext,
  app: RuntimeApp,
  find: FindImage,
  request: FindRequest,
): Promise<ImageRecord> {
  const { image } = app;
  const prefix = parseHashPrefix(image.id) as HashPrefix;
  const found = findByKey(store, app, prefix) ?? (await findByName(store, app, find, request));
  const fault = disagreement(image, found);
  if (fault === undefined) return found;
  throw new CairnError('ERR_NAME_MISMATCH', `app ${app.name}: ${titleOf(found)} (${found.key}) ${fault.what}`, {
    entry: app.name,
    expected: fault.expected,
    found: fault.found,
  });
}

function findByKey({ index }: StoreContext, app: RuntimeApp, prefix: HashPrefix): ImageRecord | undefined {
  // A layer's key leads to its images, too, but is not the ID of one.
  const keys = [...imagesByHash(index, prefix, 2).keys()].filter((key) => key.startsWith(app.image.id));
  if (keys.length > 1) throw ambiguous(`app ${app.name}: ${app.image.id}`, keys);
  const [key] = keys;
  return key === undefined ? undefined : index.image(key);
}

async function findByName(
  store: StoreContext,
  { name: app, image: { id, name, labels } }: RuntimeApp,
  find: FindImage,
  request: FindRequest,
): Promise<ImageRecord> {
  if (name === undefined || request.pull === 'never')
    throw new CairnError('ERR_NOT_FOUND', `app ${app}: image ${id} is not in the store`, { entry: app });
  store.notice(`app ${app}: image ${id} is not here; looking for ${formatAppString(name, labels)}`);
  return find(formatAppString(name, labels), request);
}

function disagreement(
  { id, name, labels }: RuntimeImage,
  image: ImageRecord,
): { what: string; expected: string; found: string } | undefined {
  if (!image.key.startsWith(id))
    return { what: 'has another ID than the manifest says', expected: id, found: image.key };
  if (name === undefined && labels.length === 0) return undefined;
  const wanted = name === undefined ? { name: image.name, labels } : { name, labels };
  // An ACI has the name in its manifest also when that was taken away here.
  const isOwn = wanted.name === image.name && holdsAll([...image.labels, ...platformLabels(image)], labels);
  if (isOwn || namesMeant(image, wanted).length > 0) return undefined;
  const [first = { name: image.name, labels: image.labels }] = referencesOf(image);
  return {
    what: 'is called otherwise than the manifest says',
    expected: formatAppString(wanted.name, labels),
    found: formatAppString(first.name, first.labels),
  };
}
