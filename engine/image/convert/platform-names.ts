/** Names of platforms: those of appc and those of the Go toolchain, which OCI takes. */
import { defined } from '../../core/defined.js';
import type { Platform } from '../oci/descriptor.js';

/** `os` and `arch` are appc's names (appc spec, image manifest, `labels`), the others those of the Go toolchain. */
const ARCHITECTURES: readonly { os: string; arch: string; architecture: string; variant?: string }[] = [
  { os: 'linux', arch: 'amd64', architecture: 'amd64' },
  { os: 'linux', arch: 'i386', architecture: '386' },
  { os: 'linux', arch: 'aarch64', architecture: 'arm64' },
  { os: 'linux', arch: 'aarch64_be', architecture: 'arm64be' },
  { os: 'linux', arch: 'armv6l', architecture: 'arm', variant: 'v6' },
  { os: 'linux', arch: 'armv7l', architecture: 'arm', variant: 'v7' },
  { os: 'linux', arch: 'armv7b', architecture: 'armbe', variant: 'v7' },
  { os: 'linux', arch: 'ppc64', architecture: 'ppc64' },
  { os: 'linux', arch: 'ppc64le', architecture: 'ppc64le' },
  { os: 'linux', arch: 's390x', architecture: 's390x' },
  { os: 'freebsd', arch: 'amd64', architecture: 'amd64' },
  { os: 'freebsd', arch: 'i386', architecture: '386' },
  { os: 'freebsd', arch: 'arm', architecture: 'arm' },
  { os: 'darwin', arch: 'x86_64', architecture: 'amd64' },
  { os: 'darwin', arch: 'i386', architecture: '386' },
];

/**
 * The `os` and `arch` labels for a platform. A label that appc has no name for is left out, since no image may carry
 * it. Without an `os` there is no `arch` either: it would mean nothing.
 */
export function appcPlatform({ os, architecture, variant }: Platform): { os?: string; arch?: string } {
  const sameOs = ARCHITECTURES.filter((each) => each.os === os);
  if (sameOs.length === 0) return {};
  const wanted = variant ?? (architecture.startsWith('arm') ? 'v7' : undefined);
  const found = sameOs.find(
    (each) => each.architecture === architecture && (each.variant === undefined || each.variant === wanted),
  );
  return found === undefined ? { os } : { os, arch: found.arch };
}

/** The platform for an `os` and an `arch` label. A missing label is the host's. */
export function goPlatform(os: string | undefined, arch: string | undefined, host: Platform): Platform {
  if (arch === undefined) return os === undefined || os === host.os ? host : { ...host, os };
  const found = ARCHITECTURES.find((each) => each.os === (os ?? host.os) && each.arch === arch);
  if (found === undefined) return { os: os ?? host.os, architecture: arch };
  const { architecture, variant } = found;
  return { os: found.os, architecture, ...defined({ variant }) };
}
