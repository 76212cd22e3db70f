/** The labels of images that run on this machine, in appc's words. */
import { appcPlatform } from '../image/convert/platform-names.js';
import type { Label } from '../image/label.js';
import { hostPlatform, type Platform } from '../image/oci/platform.js';

const HOST = hostPlatform(process.arch, process.platform);

/** `os` and `arch`, as far as appc has names for them. */
export function hostLabels(host: Platform = HOST): Label[] {
  return Object.entries(appcPlatform(host)).map(([name, value]) => ({ name, value }));
}

/** Adds what is asked for without a word: this machine's `os` and `arch`, or its `arch` as another `os` calls it. */
export function withHostLabels(labels: readonly Label[], host: Platform = HOST): Label[] {
  const os = labels.find(({ name }) => name === 'os')?.value ?? host.os;
  const missing = hostLabels({ ...host, os }).filter(({ name }) => !labels.some((label) => label.name === name));
  return [...labels, ...missing];
}
