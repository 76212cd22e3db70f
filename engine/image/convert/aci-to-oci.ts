/** Writes the configuration of an OCI image that says what an ACI's manifest says. */
import { defined } from '../../core/defined.js';
import { CairnError } from '../../core/errors.js';
import { quoted } from '../../core/printable.js';
import type { App, Port } from '../aci/app.js';
import type { ImageManifest } from '../aci/manifest.js';
import type { JsonObject } from '../json.js';
import type { Platform } from '../oci/descriptor.js';
import { goPlatform } from './platform-names.js';

const DEFAULT_HOST: Platform = { os: 'linux', architecture: 'amd64' };

/**
 * The configuration that says of an image what its manifest says (OCI image spec, image configuration).
 * `aciManifestFrom` is the way back. OCI has no words for isolators, event handlers, supplementary groups and read-only
 * mounts: they are lost.
 *
 * @param diffIds of the layers, the lowest first
 * @param created RFC 3339; without it the manifest's date is taken
 * @param host the platform of an image whose manifest names none
 * @throws CairnError `ERR_UNSUPPORTED` for a user or group that is the owner of a path: OCI has no word for that, and
 *   without a user the image would run as root
 */
export function ociConfigFrom(
  manifest: ImageManifest,
  diffIds: readonly string[],
  created?: string,
  host: Platform = DEFAULT_HOST,
): JsonObject {
  const annotations = new Map(manifest.annotations.map(({ name, value }) => [name, value]));
  const labels = new Map(manifest.labels.map(({ name, value }) => [name, value]));
  const date = created ?? annotations.get('created');
  const author = annotations.get('authors') ?? annotations.get('author');
  return {
    ...defined({ created: date, author }),
    ...goPlatform(labels.get('os'), labels.get('arch'), host),
    config: { ...(manifest.app === undefined ? {} : runConfigFrom(manifest.app)), Labels: labelsFrom(manifest) },
    rootfs: { type: 'layers', diff_ids: [...diffIds] },
  };
}

function runConfigFrom(app: App): JsonObject {
  const user = userFrom(app);
  return {
    ...(user === '' ? {} : { User: user }),
    Env: app.environment.map(({ name, value }) => `${name}=${value}`),
    Entrypoint: app.exec,
    ...defined({ WorkingDir: app.workingDirectory }),
    ExposedPorts: asSet(exposedPorts(app.ports)),
    Volumes: asSet(app.mountPoints.map(({ path }) => path)),
  };
}

/** A set as Go programs write it: an object whose values mean nothing. */
function asSet(keys: readonly string[]): JsonObject {
  return Object.fromEntries(keys.map((key) => [key, {}]));
}

/**
 * A group of the user's name is left out. The image named no group, or means the user's own, and runtimes refuse to
 * start an image whose group does not exist.
 */
function userFrom({ user, group }: App): string {
  for (const each of [user, group]) {
    if (each.startsWith('/')) {
      throw new CairnError('ERR_UNSUPPORTED', `an OCI image cannot run as the owner of ${quoted(each)}`, {
        entry: `manifest: app.${each === user ? 'user' : 'group'}`,
      });
    }
  }
  if (user === '0' && group === '0') return '';
  return user === group && !/^\d+$/.test(user) ? user : `${user}:${group}`;
}

/** OCI has no ranges, so every port is listed. The time that takes does not grow with how often ranges overlap. */
function exposedPorts(ports: readonly Port[]): string[] {
  return ['tcp', 'udp', 'sctp'].flatMap((protocol) => {
    const changes = new Int32Array(65_537);
    for (const each of ports) {
      if ((each.protocol.toLowerCase() || 'tcp') !== protocol) continue;
      changes[each.port]! += 1;
      changes[each.port + each.count]! -= 1;
    }
    const exposed: string[] = [];
    let open = 0;
    changes.forEach((change, port) => {
      open += change;
      if (open > 0) exposed.push(`${port}/${protocol}`);
    });
    return exposed;
  });
}

/** Names of appc, each with OCI's key for the same (OCI image spec, annotations). */
const OCI_KEYS: ReadonlyMap<string, string> = new Map([
  ['version', 'org.opencontainers.image.version'],
  ['homepage', 'org.opencontainers.image.url'],
  ['documentation', 'org.opencontainers.image.documentation'],
]);
/** Names whose values have fields of their own in the configuration. */
const ELSEWHERE: ReadonlySet<string> = new Set(['os', 'arch', 'created', 'author', 'authors']);

/**
 * Annotations, labels and the app's own labels. Of equal names the last counts, so that an image that came from OCI
 * keeps the labels that it had.
 */
function labelsFrom({ annotations, labels, app }: ImageManifest): JsonObject {
  const own = [...annotations, ...labels].filter(({ name }) => !ELSEWHERE.has(name));
  return {
    ...Object.fromEntries(own.map(({ name, value }) => [OCI_KEYS.get(name) ?? name, value])),
    ...app?.userLabels,
  };
}
