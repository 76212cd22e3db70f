/** Tells of images for another platform than this machine's: names prefer its own, but take what is there. */
import { formatPlatform, hostPlatform } from '../image/oci/platform.js';
import { isForHost, titleOf } from '../index/images.js';
import type { ImageRecord } from '../index/records.js';
import type { StoreContext } from '../session/context.js';

/** @param argument that led to the image; nothing is told if it asks for a platform, or is a hash */
export function tellForeign({ notice }: Pick<StoreContext, 'notice'>, argument: string, image: ImageRecord): void {
  const { platform } = image;
  if (platform === undefined || isForHost(image)) return;
  if (/,(?:os|arch)=/.test(argument) || /^(?:sha512-|sha256:|[0-9a-f]{12,}$)/i.test(argument)) return;
  const own = formatPlatform(hostPlatform(process.arch, process.platform));
  notice(`${titleOf(image)} is for ${formatPlatform(platform)}, and this machine is ${own}`);
}
