/** Writes the manifest of an ACI that says what an OCI image's configuration says, as docker2aci does. */
import { CairnError } from '../../core/errors.js';
import { quoted } from '../../core/printable.js';
import { type App, readApp } from '../aci/app.js';
import { AC_VERSION } from '../aci/common-fields.js';
import type { JsonObject } from '../json.js';
import { JsonField } from '../json-field.js';
import type { OciConfig } from '../oci/config.js';
import type { Reference } from '../oci/reference.js';
import { appcPlatform } from './platform-names.js';
import { VolumeNames } from './volume-names.js';

/**
 * The image manifest that says of an image what its configuration says. appc has no words for variables without a valid
 * name, ports that are no number and platforms that it does not know: they are left out.
 *
 * The result passes `parseImageManifest`.
 *
 * @param name the image's name, made an AC Identifier
 * @param manifestDigest of the manifest that led to the configuration
 * @throws CairnError `ERR_NAME_SYNTAX` for a name without a letter a–z or a digit
 */
export function aciManifestFrom(
  config: OciConfig,
  name: Pick<Reference, 'name' | 'tag'>,
  manifestDigest?: string,
): JsonObject {
  return {
    acKind: 'ImageManifest',
    acVersion: AC_VERSION,
    name: toACIdentifier(name.name),
    labels: pairs({ version: name.tag, ...appcPlatform(config) }),
    app: appFrom(config),
    annotations: annotationsFrom(config, name, manifestDigest),
  };
}

/** The app of {@link aciManifestFrom}, read. */
export function appOf(config: OciConfig): App {
  return readApp(new JsonField('image config', appFrom(config)));
}

/** The names that have a value, with it. */
function pairs(values: Record<string, string | undefined>): JsonObject[] {
  return Object.entries(values).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [{ name, value }],
  );
}

function toACIdentifier(text: string): string {
  const name = text
    .toLowerCase()
    .replace(/[^a-z0-9\-._~/]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .replace(/[^a-z0-9]+$/, '');
  if (name === '') throw new CairnError('ERR_NAME_SYNTAX', `no AC Identifier can be made of ${quoted(text)}`);
  return name;
}

function appFrom({ config }: OciConfig): JsonObject {
  const { workingDir } = config;
  return {
    exec: [...config.entrypoint, ...config.cmd],
    ...ownerFrom(config.user),
    // A relative path is relative to the root.
    ...(workingDir === '' ? {} : { workingDirectory: workingDir.startsWith('/') ? workingDir : `/${workingDir}` }),
    environment: environmentFrom(config.env),
    mountPoints: mountPointsFrom(config.volumes),
    ports: portsFrom(config.exposedPorts),
    userLabels: config.labels,
  };
}

/**
 * A manifest needs a group. Without one in the configuration it is the user, as docker2aci has it: other programs tell
 * by that that none was given.
 */
function ownerFrom(text: string): { user: string; group: string } {
  const colon = text.indexOf(':');
  const user = (colon < 0 ? text : text.slice(0, colon)) || '0';
  return { user, group: (colon < 0 ? '' : text.slice(colon + 1)) || user };
}

/** A manifest's names are unique. Of several values of one name the last counts, as it does for Docker. */
function environmentFrom(env: readonly string[]): JsonObject[] {
  const values = new Map<string, string>();
  for (const variable of env) {
    const [, name, value] = /^([A-Za-z_][A-Za-z_0-9.-]*)=(.*)$/s.exec(variable) ?? [];
    if (name !== undefined && value !== undefined) values.set(name, value);
  }
  return [...values].map(([name, value]) => ({ name, value }));
}

function portsFrom(exposedPorts: readonly string[]): JsonObject[] {
  const ports = exposedPorts.flatMap((text) => {
    const [, digits, protocol = 'tcp'] = /^(\d{1,5})(?:\/([a-z]{1,8}))?$/i.exec(text) ?? [];
    const port = Number(digits ?? 0);
    return port < 1 || port > 65_535 ? [] : [{ port, protocol: protocol.toLowerCase() }];
  });
  const named = new Map(ports.map((each) => [`${each.port}-${each.protocol}`, each]));
  return [...named]
    .map(([name, { protocol, port }]) => ({ name, protocol, port }))
    .sort((one, other) => one.port - other.port || (one.protocol < other.protocol ? -1 : 1));
}

/** The same volumes make the same names, in whatever order they are listed. */
function mountPointsFrom(volumes: readonly string[]): JsonObject[] {
  const names = new VolumeNames();
  const paths = [...volumes].filter((path) => path !== '').sort();
  const points = paths.map((path) => ({ name: names.next(path), path }));
  return points.sort((one, other) => (one.name < other.name ? -1 : 1));
}

function annotationsFrom(
  { config, created, author, raw }: OciConfig,
  { name, tag }: Pick<Reference, 'name' | 'tag'>,
  manifestDigest: string | undefined,
): JsonObject[] {
  // As for Docker, a first part with a dot or a port is a registry.
  const [, registry, repository] = /^([^/]*[.:][^/]*|localhost)\/(.+)$/.exec(name) ?? [undefined, undefined, name];
  const { entrypoint, cmd } = config;
  const comment = raw['comment'];
  return pairs({
    created,
    author,
    // The appc spec calls it so; docker2aci writes `author`.
    authors: author,
    'docker-comment': typeof comment === 'string' ? comment : undefined,
    'appc.io/docker/originalname': tag === undefined ? name : `${name}:${tag}`,
    'appc.io/docker/registryurl': registry,
    'appc.io/docker/repository': repository,
    'appc.io/docker/tag': tag,
    'appc.io/docker/manifesthash': manifestDigest,
    'appc.io/docker/entrypoint': entrypoint.length === 0 ? undefined : JSON.stringify(entrypoint),
    'appc.io/docker/cmd': cmd.length === 0 ? undefined : JSON.stringify(cmd),
  });
}
