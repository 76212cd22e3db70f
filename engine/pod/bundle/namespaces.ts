/** Shows the apps of a pod the namespaces that they join. */
import * as fs from 'node:fs';
import { join, resolve } from 'node:path';
import { makeOnce } from '../../disk/durable.js';
import { namespacesIn } from '../../disk/layout.js';
import { namespaceFile, SHARED_NAMESPACES } from '../../image/runtime/write-config.js';

/**
 * Links to the namespaces of a process, where the configurations of all apps but the first look for them. Called when
 * the first app has been created, and before the others are.
 * @param dir of the pod's bundles
 * @param pid of the first app, as this process sees it
 */
export function linkNamespaces(dir: string, pid: number): void {
  const place = namespacesIn(resolve(dir));
  makeOnce(place);
  for (const type of ['user', ...SHARED_NAMESPACES] as const) {
    const name = namespaceFile(type);
    fs.rmSync(join(place, name), { force: true });
    fs.symlinkSync(`/proc/${pid}/ns/${name}`, join(place, name));
  }
}
