/** Names mean images for this machine first. Whoever asks for another platform gets only what is for that. */
import { appcPlatform } from '../image/convert/platform-names.js';
import { isPlatform, type Platform, parsePlatform } from '../image/oci/platform.js';
import type { ImageLookup } from '../index/images.js';
import type { ImageRecord } from '../index/records.js';

/**
 * Leaves out images for other platforms, as far as they say what they are for. Keys and digests mean what they mean.
 * @param platform `os/architecture[/variant]`
 * @throws CairnError `ERR_USAGE`
 */
export function forPlatform<T extends Pick<ImageLookup, 'named'>>(images: T, platform: string | undefined): T {
  if (platform === undefined) return images;
  const wanted = parsePlatform(platform);
  return { ...images, named: (name: string) => images.named(name).filter((image) => isFor(image, wanted)) };
}

function isFor({ format, platform, labels }: ImageRecord, wanted: Platform): boolean {
  if (format === 'oci') return platform === undefined || isPlatform(platform, wanted);
  const words: Readonly<Record<string, string>> = { ...appcPlatform(wanted) };
  return labels.every(({ name, value }) => (words[name] ?? value) === value);
}
