/** Reads and checks a pod manifest (appc spec 0.8.11, pod manifest). */
import { defined } from '../../core/defined.js';
import { CairnError, isCairnError } from '../../core/errors.js';
import { type Limits, MAX_POD_APPS, MAX_POD_LIST } from '../../core/limits.js';
import { quoted } from '../../core/printable.js';
import { parseJson } from '../json.js';
import { JsonField } from '../json-field.js';
import { type App, readApp } from './app.js';
import { checkKind, readAnnotations, readImageID, readLabels, readVersion } from './common-fields.js';
import { isKnownIsolator, readIsolator } from './isolators.js';
import type { Mount, PodManifest, RuntimeApp, RuntimeImage } from './pod.js';
import { readExposedPort, readMount } from './pod-parts.js';
import { pathFault, readVolume } from './volume.js';

const DOCUMENT = 'pod manifest';

/**
 * Reads and checks a pod manifest.
 *
 * As in the reference implementation, keys match whatever their case, and unknown keys are ignored. Unknown isolators
 * are kept.
 *
 * @throws CairnError `ERR_BAD_ARCHIVE` for what only a hostile document has (see `parseJson`), else `ERR_BAD_MANIFEST`;
 *   `entry` is `pod manifest: ` and the path to the fault such as `apps[0].mounts[1].path`, and the message says the
 *   rule
 */
export function parsePodManifest(bytes: Uint8Array, limits: Pick<Limits, 'maxManifest'>): PodManifest {
  const root = new JsonField(DOCUMENT, parseJson(bytes, DOCUMENT, limits));
  const raw = root.object();
  checkKind(root.field('acKind'), 'PodManifest');
  const appFields = root.field('apps').items(MAX_POD_APPS);
  const volumeFields = root.field('volumes').items(MAX_POD_LIST);
  checkUnique(appFields, (name) => `duplicate apps of name ${quoted(name)}`);
  checkUnique(volumeFields, (name) => `duplicate volume name ${quoted(name)}`);
  const volumes = volumeFields.map(readVolume);
  const names = new Set(volumes.map(({ name }) => name));
  return {
    acVersion: readVersion(root.field('acVersion')),
    apps: appFields.map((app) => readRuntimeApp(app, names)),
    volumes,
    isolators: root.field('isolators').items().map(readIsolator),
    annotations: readAnnotations(root.field('annotations')),
    ports: root.field('ports').items(MAX_POD_LIST).map(readExposedPort),
    userAnnotations: root.field('userAnnotations').textMap(),
    userLabels: root.field('userLabels').textMap(),
    raw,
  };
}

function checkUnique(items: readonly JsonField[], rule: (name: string) => string): void {
  const seen = new Set<string>();
  for (const item of items) {
    const name = item.field('name').text();
    if (name !== '' && seen.has(name)) throw item.field('name').fault(rule(name));
    seen.add(name);
  }
}

/** Isolators that the spec does not define, by the path to each: those who run the pod may ignore them. */
export function unknownIsolators({ apps, isolators }: PodManifest): { entry: string; name: string }[] {
  const lists = [
    { path: 'isolators', isolators },
    ...apps.map(({ app }, i) => ({ path: `apps[${i}].app.isolators`, isolators: app?.isolators ?? [] })),
  ];
  return lists.flatMap(({ path, isolators }) =>
    isolators.flatMap(({ name }, i) => (isKnownIsolator(name) ? [] : [{ entry: `${path}[${i}]`, name }])),
  );
}

/** @param volumes names of the pod's volumes */
function readRuntimeApp(app: JsonField, volumes: ReadonlySet<string>): RuntimeApp {
  const name = app.field('name').acName();
  try {
    const own = app.field('app');
    return {
      name,
      image: readRuntimeImage(app.field('image')),
      ...(own.absent ? {} : { app: readOwnApp(own) }),
      readOnlyRootFS: app.field('readOnlyRootFS').flag(),
      mounts: app
        .field('mounts')
        .items(MAX_POD_LIST)
        .map((mount) => readMountOf(mount, volumes)),
      annotations: readAnnotations(app.field('annotations')),
    };
  } catch (error) {
    if (!isCairnError(error, 'ERR_BAD_MANIFEST')) throw error;
    const { code, entry } = error;
    throw new CairnError(code, `app ${quoted(name)}: ${error.message}`, { ...defined({ entry }), cause: error });
  }
}

function readOwnApp(field: JsonField): App {
  for (const point of field.field('mountPoints').items()) {
    const path = point.field('path');
    path.refuse(pathFault(path.text()));
  }
  return readApp(field);
}

function readMountOf(field: JsonField, volumes: ReadonlySet<string>): Mount {
  const mount = readMount(field);
  if (mount.appVolume === undefined && !volumes.has(mount.volume)) {
    throw field.field('volume').fault(`could not find volume ${quoted(mount.volume)}`);
  }
  return mount;
}

function readRuntimeImage(image: JsonField): RuntimeImage {
  if (image.absent) throw image.fault('no image');
  const id = image.field('id');
  if (id.text() === '') throw id.fault('no image ID');
  const name = image.field('name');
  return {
    id: readImageID(id),
    ...(name.absent ? {} : { name: name.acIdentifier() }),
    labels: readLabels(image.field('labels')),
  };
}
