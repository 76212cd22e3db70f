/** Gives images names, and takes names away. Names are roots: gc without a policy keeps what a name leads to. */
import { commitImages } from '../content/document-writer.js';
import { CairnError } from '../core/errors.js';
import { noteEvent, noteMoved } from '../index/events.js';
import { claimNames, type MovedName, renameImage, withName, withoutName } from '../index/names.js';
import type { ImageRecord } from '../index/records.js';
import { nameText, parseNewName } from '../resolve/name.js';
import { mustWrite, type StoreContext } from '../session/context.js';
import { namesOf, type Taking } from './takings.js';

/**
 * Gives an image a name, which leaves the image that had it before.
 * @param text `NAME[:TAG]`, the tag `latest` by default
 * @throws CairnError `ERR_NAME_SYNTAX`, `ERR_NOT_FOUND`
 */
export async function tagImage(
  store: StoreContext,
  image: ImageRecord,
  text: string,
): Promise<{ image: ImageRecord; moved: MovedName[] }> {
  mustWrite(store);
  const { index } = store;
  const name = parseNewName(text);
  return commitImages(store, (documents) => {
    const known = index.image(image.key);
    if (known === undefined) throw new CairnError('ERR_NOT_FOUND', `${text}: its image was removed meanwhile`);
    const revise = (each: ImageRecord): ImageRecord => documents.revise(each);
    const moved = claimNames(index, known, [name], revise);
    noteMoved(index, moved);
    noteEvent(index, { event: 'tagged', image: known.key, names: [nameText(known.format, name)] });
    return { image: renameImage(index, known, withName(known, name), revise), moved };
  });
}

/**
 * Takes names away. An image without a name stays until gc.
 * @throws CairnError `ERR_NOT_FOUND`, `ERR_AMBIGUOUS_KEY`, `ERR_NAME_SYNTAX`; none is taken away then
 */
export async function untag(store: StoreContext, names: readonly string[]): Promise<ImageRecord[]> {
  mustWrite(store);
  const { index } = store;
  return commitImages(
    store,
    (documents) =>
      names.map((text) => {
        const [{ image, names }] = namesOf(index, text, false) as [Taking];
        const gone = names as Exclude<Taking['names'], 'all'>;
        const left = gone.reduce(withoutName, image);
        const texts = gone.map((name) => nameText(image.format, name));
        noteEvent(index, { event: 'untagged', image: image.key, names: texts });
        return renameImage(index, image, left, (each) => documents.revise(each));
      }),
    (work) => index.commitRemoval(work),
  );
}
