/** The options of an import. */
import { CairnError } from '../core/errors.js';
import { parseHashPrefix } from '../core/key.js';
import type { OperationOptions } from '../core/operation.js';
import type { ImageRecord, VerifiedSignature } from '../index/records.js';
import type { Plan } from '../plan/plan.js';
import type { Imported, ImportFailure } from './result.js';

export interface ImportOptions extends OperationOptions {
  /** Mark as the latest of its name. */
  latest?: boolean;
  /** The key or digest that the source must have. */
  expect?: string;
  /**
   * Sources read side by side: by default one more than there are workers, and more of small ones. More may wait for
   * their commit.
   */
  jobs?: number;
  /** Hears of each image when it is in, and with `keepGoing` of each failure, in no particular order. */
  onResult?: (result: Imported | ImportFailure) => void;
  /** Go on with the other sources after one failed. */
  keepGoing?: boolean;
  /** `NAME[:TAG]` for an OCI image, in place of what its container calls it. An ACI is named by its manifest. */
  name?: string;
  /** Keep the compressed layers as they came, so that the image can be given back with the same digests. */
  keepArchive?: boolean;
  /**
   * `os/architecture[/variant]` that the image must be for. By default that of the host is picked of an index, and any
   * other image is taken as it is.
   */
  platform?: string;
  /** Take every image of a source that holds several. */
  recursive?: boolean;
  /** The source is one layer's tar; it becomes an image of that layer alone. */
  layer?: boolean;
}

/**
 * Judges an image once it was read, and before anything of it is visible. What it throws keeps the image out.
 * @param digest of the archive of an ACI, as it came
 * @returns what it verified, to be recorded with the image
 */
export type Approve = (image: ImageRecord, digest: string | undefined) => Promise<VerifiedSignature | undefined>;

/** The options of an import that other parts of the engine start. */
export interface ImportRequest extends ImportOptions {
  /** Take no name from another image: somebody only looks at the source, and would not expect names to move. */
  leaveNames?: boolean;
  /** Read no layer that is here, even if its archive should be kept and is not. The image then keeps no archives. */
  spareLayers?: boolean;
  /** What the source is called in errors, where its path means nothing to users. */
  shownAs?: string;
  /** What was verified of the image, to be recorded with it, even if it is here. */
  signature?: VerifiedSignature;
  approve?: Approve;
  /** Gets the plan of an OCI image's tree, for a render that follows at once. Otherwise the store keeps large plans. */
  onPlan?: (plan: Plan) => void;
  /** The layers were made of a tree, so that they make one. No plan is made to see that. */
  fromTree?: boolean;
}

/**
 * @param found keys and digests that the source has
 * @throws CairnError `ERR_DIGEST_MISMATCH`; `ERR_KEY_SYNTAX` for an expectation that is no hash
 */
export function checkExpected(expected: string | undefined, found: readonly string[]): void {
  if (expected === undefined) return;
  const prefix = parseHashPrefix(expected);
  if (prefix === undefined) throw new CairnError('ERR_KEY_SYNTAX', `${expected}: neither a key nor a digest`);
  const start = `${prefix.kind === 'key' ? 'sha512-' : 'sha256:'}${prefix.hex}`;
  if (found.some((each) => each.startsWith(start))) return;
  const same = found.filter((each) => each.startsWith(start.slice(0, 'sha512-'.length)));
  const is = same.join(' or ');
  throw new CairnError('ERR_DIGEST_MISMATCH', `expected ${expected}, but it is ${is}`, { expected, found: is });
}
