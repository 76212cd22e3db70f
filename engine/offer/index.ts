/**
 * What a store gives to other machines: repositories, manifests, blobs, tars. May import: export, resolve, content,
 * session, plan, index, image, disk, core.
 *
 * Begin with `offer.ts`. `repositories.ts` says how images are addressed, `offered-image.ts` in which form they are
 * given: the bytes that came, where they are kept, else bytes that are made anew and are always the same.
 */
export type { Offer, OfferedTree } from './offer.js';
export type { OfferedBlob } from './offered-blob.js';
export type { OfferedManifest } from './offered-image.js';
export type { Referrer } from './referrers.js';
export type { Repository } from './repositories.js';
