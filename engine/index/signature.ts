/** What was verified of an image: kept with its record, and told. */
import type { ImageRecord, VerifiedSignature } from './records.js';

/** As users are told: the time in ISO 8601. */
export interface ToldSignature extends Omit<VerifiedSignature, 'at'> {
  at: string;
}

/** @returns null for an image that nobody vouched for */
export function signatureOf({ signature }: Pick<ImageRecord, 'signature'>): ToldSignature | null {
  if (signature === undefined) return null;
  const { key, by, at } = signature;
  return { key, by, at: new Date(at).toISOString() };
}

/** The image with what was verified of it now, unless that is known to have been verified later. */
export function withSignature(image: ImageRecord, signature: VerifiedSignature | undefined): ImageRecord {
  if (signature === undefined || (image.signature?.at ?? 0) > signature.at) return image;
  return { ...image, signature };
}
