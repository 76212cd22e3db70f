/** Reads and checks a pod manifest (appc spec 0.8.11, pod manifest). */
import { type Limits, MAX_POD_APPS, MAX_POD_LIST } from '../../core/limits.js';
import { quoted } from '../../core/printable.js';
import { parseJson } from '../json.js';
import { JsonField } from '../json-field.js';
import { readApp, readPort } from './app.js';
import { checkKind, readAnnotations, readImageID, readLabels, readVersion } from './common-fields.js';
import { isKnownIsolator, readIsolator } from './isolators.js';
import type { ExposedPort, Mount, PodManifest, RuntimeApp, RuntimeImage } from './pod.js';
import { pathFault, readVolume } from './volume.js';

const DOCUMENT = 'pod manifest';

/**
 * Reads and checks a pod manifest.
 *
 * As in the reference implementation, keys match whatever their case, and unknown keys are ignored. Unknown isolators
 * are kept. That the volume of a mount is there is no rule of the document: a store of volumes may know it.
 *
 * @throws CairnError `ERR_BAD_ARCHIVE` for what only a hostile document has (see `parseJson`), else `ERR_BAD_MANIFEST`;
 *   `entry` is `pod manifest: ` and the path to the fault such as `apps[0].mounts[1].path`, and the message says the
 *   rule
 */
export function parsePodManifest(bytes: Uint8Array, limits: Pick<Limits, 'maxManifest'>): PodManifest {
  return readPodManifest(new JsonField(DOCUMENT, parseJson(bytes, DOCUMENT, limits)));
}

function readPodManifest(root: JsonField): PodManifest {
  const raw = root.object();
  checkKind(root.field('acKind'), 'PodManifest');
  const apps = root.field('apps').items(MAX_POD_APPS);
  const volumes = root.field('volumes').items(MAX_POD_LIST);
  checkUnique(apps, (name) => `duplicate apps of name ${quoted(name)}`);
  checkUnique(volumes, (name) => `duplicate volume name ${quoted(name)}`);
  return {
    acVersion: readVersion(root.field('acVersion')),
    apps: apps.map(readRuntimeApp),
    volumes: volumes.map(readVolume),
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

function readRuntimeApp(app: JsonField): RuntimeApp {
  const own = app.field('app');
  return {
    name: app.field('name').acName(),
    image: readRuntimeImage(app.field('image')),
    ...(own.absent ? {} : { app: readApp(own) }),
    readOnlyRootFS: app.field('readOnlyRootFS').flag(),
    mounts: app.field('mounts').items(MAX_POD_LIST).map(readMount),
    annotations: readAnnotations(app.field('annotations')),
  };
}

function readRuntimeImage(image: JsonField): RuntimeImage {
  if (image.absent) throw image.fault('image must be set');
  const id = image.field('id');
  if (id.text() === '') throw id.fault('id must be set');
  const name = image.field('name');
  return {
    id: readImageID(id),
    ...(name.absent ? {} : { name: name.acIdentifier() }),
    labels: readLabels(image.field('labels')),
  };
}

function readMount(mount: JsonField): Mount {
  const volume = mount.field('volume');
  if (volume.text() === '') throw volume.fault('volume must be set');
  const path = mount.field('path');
  if (path.text() === '') throw path.fault('path must be set');
  if (!path.text().startsWith('/')) throw path.fault('path must be absolute');
  path.refuse(pathFault(path.text()));
  const appVolume = mount.field('appVolume');
  return {
    volume: volume.acName(),
    path: path.text(),
    ...(appVolume.absent ? {} : { appVolume: readVolume(appVolume) }),
  };
}

function readExposedPort(port: JsonField): ExposedPort {
  const hostIP = port.field('hostIP');
  const podPort = port.field('podPort');
  return {
    name: port.field('name').acName(),
    hostPort: port.field('hostPort').integer(0, 65_535, 'hostPort must be in 0-65535 range'),
    ...(hostIP.text() === '' ? {} : { hostIP: readAddress(hostIP) }),
    ...(podPort.absent ? {} : { podPort: readPort(podPort) }),
  };
}

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

function readAddress(field: JsonField): string {
  const text = field.text();
  const isAddress = IPV4.test(text) || (/^[0-9a-f:.]+$/i.test(text) && URL.canParse(`http://[${text}]/`));
  if (!isAddress) throw field.fault(`invalid IP address: ${quoted(text)}`);
  return text;
}
