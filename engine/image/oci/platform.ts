/** Reads, writes and compares platforms (OCI image spec, image index, `platform`). */
import { defined } from '../../core/defined.js';
import { CairnError } from '../../core/errors.js';
import { quoted } from '../../core/printable.js';
import type { Descriptor, Platform } from './descriptor.js';

export type { Platform } from './descriptor.js';

/** Node's names of processors that Go names otherwise. On ppc64 and mipsel, Node runs little-endian. */
const NODE_ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: 'amd64',
  ia32: '386',
  ppc64: 'ppc64le',
  mipsel: 'mipsle',
};

/** Names that people, and some builders, use for a processor beside Go's. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  'x86-64': 'amd64',
  aarch64: 'arm64',
  i386: '386',
};

/** The platform of the machine, from Node's `process.arch` and `process.platform`. */
export function hostPlatform(arch: string, platform: string): Platform {
  const os = platform === 'win32' ? 'windows' : platform === 'sunos' ? 'solaris' : platform;
  const architecture = NODE_ARCHITECTURES[arch] ?? arch;
  return { os, architecture, ...(architecture === 'arm' ? { variant: 'v7' } : {}) };
}

/**
 * Reads a platform as people type it: `os/architecture[/variant]`, `linux/arm/v7`.
 *
 * @throws CairnError `ERR_USAGE`
 */
export function parsePlatform(text: string): Platform {
  const [os, architecture, variant, ...more] = text.toLowerCase().split('/');
  const parts = [os, architecture, variant ?? 'none'];
  if (more.length > 0 || !parts.every((part) => part !== undefined && /^[a-z0-9][a-z0-9_.-]*$/.test(part))) {
    throw new CairnError('ERR_USAGE', `not a platform: ${quoted(text)} (os/architecture[/variant], linux/arm/v7)`);
  }
  return {
    os: os as string,
    architecture: goArchitecture(architecture as string),
    ...defined({ variant }),
  };
}

/** Go's name of a processor, which the specification asks for. */
export function goArchitecture(name: string): string {
  return OTHER_NAMES[name] ?? name;
}

/** Writes a platform so that {@link parsePlatform} reads the same one back. */
export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join('/');
}

/**
 * The image for a platform in an index (OCI image spec, image index, `platform`), or undefined if there is none.
 *
 * The wanted variant comes first, then an entry without a variant, then, if no variant is wanted, an entry with any. An
 * entry without a platform serves every platform if it is the only such entry and nothing else fits. An entry of the
 * platform `unknown` is no image: builders list their attestations so. Among equals the first entry counts.
 */
export function pickPlatform(manifests: readonly Descriptor[], wanted: Platform): Descriptor | undefined {
  const images = manifests.filter(({ platform }) => platform?.os !== 'unknown' && platform?.architecture !== 'unknown');
  const ranks = images.map((image) => (image.platform === undefined ? undefined : rank(image.platform, wanted)));
  for (const each of [0, 1, 2] as const) {
    const at = ranks.indexOf(each);
    if (at >= 0) return images[at];
  }
  const anywhere = images.filter(({ platform }) => platform === undefined);
  return anywhere.length === 1 ? anywhere[0] : undefined;
}

/** Whether an image of the one platform runs where the other is wanted. */
export function isPlatform(offered: Platform, wanted: Platform): boolean {
  return rank(offered, wanted) !== undefined;
}

function rank(offered: Platform, wanted: Platform): 0 | 1 | 2 | undefined {
  if (offered.os !== wanted.os || goArchitecture(offered.architecture) !== wanted.architecture) return undefined;
  if (fullVariant(offered) === fullVariant(wanted)) return 0;
  if (offered.variant === undefined) return 1;
  return wanted.variant === undefined ? 2 : undefined;
}

const DEFAULT_VARIANTS: Readonly<Record<string, string>> = { arm: 'v7', arm64: 'v8', amd64: 'v1' };

function fullVariant({ architecture, variant }: Platform): string | undefined {
  return variant ?? DEFAULT_VARIANTS[goArchitecture(architecture)];
}
