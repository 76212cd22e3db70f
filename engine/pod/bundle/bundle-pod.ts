/** Makes the bundles of a pod: one for each app, and what its apps share beside them. */
import * as fs from 'node:fs';
import { join, resolve } from 'node:path';
import { CairnError, hasCode, throwIfAborted, toCairnError } from '../../core/errors.js';
import { quoted } from '../../core/printable.js';
import { handNothingDown } from '../../disk/identity.js';
import { bundleMark, namespacesIn } from '../../disk/layout.js';
import { acNameFault } from '../../image/aci/names.js';
import { fieldsOf } from '../../image/runtime/app-field.js';
import type { StoreContext } from '../../session/context.js';
import { mustBeApart } from '../../session/destination.js';
import { withTree } from '../pod-tree.js';
import type { PreparedApp, PreparedPod } from '../prepared.js';
import { ordersIn } from './annotations.js';
import { bundleApp } from './bundle-app.js';
import { directoryName } from './file-name.js';
import { mappingsInside, ownMappings } from './id-mappings.js';
import type { Bundle, PlacedBundleOptions } from './options.js';
import { takeApart } from './remove-bundles.js';

/**
 * Makes `DIR/APP` for each app of a pod, in the order of its manifest. The caller holds the pod's trees for as long as
 * the bundles are there.
 *
 * @param dir is not there yet, or empty; not in the store, except in the pod's own directory
 * @throws CairnError `ERR_EXISTS`, `ERR_USAGE` for a place in the store, `ERR_BAD_MANIFEST`, `ERR_NOT_FOUND`,
 *   `ERR_UNSUPPORTED`, …; `entry` names the app and the field. Nothing is left then.
 */
export async function bundlePod(
  store: StoreContext,
  pod: PreparedPod,
  dir: string,
  options: PlacedBundleOptions = {},
): Promise<Bundle[]> {
  checkNames(pod);
  if (!`${resolve(dir)}/`.startsWith(`${pod.dir}/`)) mustBeApart(store, resolve(dir));
  return bundleApps(store, pod, dir, { ...options, dirOf: (podDir, { name }) => join(podDir, directoryName(name)) });
}

/** @param dirOf the directory of an app's bundle: the pod's own, or one in it */
export async function bundleApps(
  store: StoreContext,
  pod: PreparedPod,
  dir: string,
  { dirOf, ...options }: PlacedBundleOptions & { dirOf: (podDir: string, app: PreparedApp) => string },
): Promise<Bundle[]> {
  const podDir = resolve(dir);
  makeFresh(podDir);
  const own = ownMappings();
  const mappings = own !== undefined && options.rootfs === 'overlay' ? mappingsInside(own) : own;
  try {
    const bundles: Bundle[] = [];
    for (const app of pod.apps) {
      throwIfAborted(options.signal);
      const appDir = dirOf(podDir, app);
      if (appDir !== podDir) fs.mkdirSync(appDir, { mode: 0o700 });
      // The first app makes the namespaces.
      const joined = options.namespaces ?? (bundles.length === 0 ? undefined : namespacesIn(podDir));
      const hostname = options.hostname ?? `cairn-${pod.id}`;
      const request = { pod, podDir, dir: appDir, joined, hostname, mappings, options };
      const place = { app, dir: appDir, signal: options.signal };
      bundles.push(await withTree(store, place, (app) => bundleApp(store, { ...request, app })));
      tellOf(store, app, bundles.at(-1) as Bundle);
    }
    return bundles;
  } catch (error) {
    await takeApart(store, podDir);
    throw toCairnError(error, `cannot make bundles in ${podDir}`);
  }
}

/** A name is part of a path here. */
function checkNames({ apps }: PreparedPod): void {
  const seen = new Set<string>();
  if (apps.length === 0) throw new CairnError('ERR_BAD_MANIFEST', 'pod must contain at least one application');
  for (const { name } of apps) {
    const fault = acNameFault(name) ?? (seen.has(name) ? `duplicate apps of name ${quoted(name)}` : undefined);
    if (fault !== undefined) throw fieldsOf(name)('name').fault(fault);
    seen.add(name);
  }
}

/** Nobody else can enter: programs in an app's root may have the rights of their owners. */
function makeFresh(dir: string): void {
  try {
    fs.rmdirSync(dir);
  } catch (error) {
    if (hasCode(error, 'ENOTEMPTY', 'ENOTDIR', 'EBUSY')) throw alreadyThere(dir);
    if (!hasCode(error, 'ENOENT')) throw toCairnError(error);
  }
  try {
    fs.mkdirSync(dir, { mode: 0o700 });
  } catch (error) {
    throw hasCode(error, 'EEXIST') ? alreadyThere(dir) : toCairnError(error);
  }
  handNothingDown(dir);
  fs.writeFileSync(bundleMark(dir), '', { flag: 'wx', mode: 0o600 });
}

function alreadyThere(dir: string): CairnError {
  return new CairnError('ERR_EXISTS', `${dir} is there already`, { path: dir });
}

/** A hostile image has any number of things to tell of. */
const LINES = 10;

function tellOf({ notice }: StoreContext, app: PreparedApp, { isolators }: Bundle): void {
  const all = [
    ...isolators.ignored.map((name) => `nothing here keeps the isolator ${name}`),
    ...ordersIn(app).map((key) => `left out the annotation ${key}: runtimes take orders by it`),
  ];
  for (const each of all.slice(0, LINES)) notice(`app ${app.name}: ${each}`);
  if (all.length > LINES) notice(`app ${app.name}: … and ${all.length - LINES} more`);
}
