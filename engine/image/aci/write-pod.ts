/** Writes pod manifests: of the same values always the same document, in the order of the spec. */
import { defined } from '../../core/defined.js';
import type { JsonObject, JsonValue } from '../json.js';
import type { Label } from '../label.js';
import type { App, EnvironmentVariable, EventHandler, MountPoint, Port } from './app.js';
import type { Annotation } from './common-fields.js';
import type { Isolator } from './isolators.js';
import type { ExposedPort, Mount, PodManifest, RuntimeApp, RuntimeImage, Volume } from './pod.js';

/**
 * The document of a pod manifest. What is empty is left out. `parsePodManifest` reads the same values back.
 * Fields of another document that only `raw` has are not written.
 */
export function podManifestFrom(manifest: Omit<PodManifest, 'raw'>): JsonObject {
  const { acVersion, apps, volumes, isolators, annotations, ports, userAnnotations, userLabels } = manifest;
  return withoutEmpty({
    ...(acVersion === '' ? {} : { acVersion }),
    acKind: 'PodManifest',
    apps: apps.map(runtimeAppObject),
    volumes: volumes.map(volumeObject),
    isolators: isolators.map(isolatorObject),
    annotations: annotations.map(pairObject),
    ports: ports.map(exposedPortObject),
    userAnnotations,
    userLabels,
  });
}

/** The `app` of a manifest, of a pod or an image. */
export function appObject(app: App): JsonObject {
  const { exec, user, group, supplementaryGIDs, workingDirectory, userAnnotations, userLabels } = app;
  return {
    exec: [...exec],
    ...withoutEmpty({ eventHandlers: app.eventHandlers.map(eventHandlerObject) }),
    user,
    group,
    ...withoutEmpty({
      supplementaryGIDs,
      ...defined({ workingDirectory }),
      environment: app.environment.map(pairObject),
      mountPoints: app.mountPoints.map(mountPointObject),
      ports: app.ports.map(portObject),
      isolators: app.isolators.map(isolatorObject),
      userAnnotations,
      userLabels,
    }),
  };
}

/** Without empty lists and empty maps. */
function withoutEmpty(fields: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !isEmpty(value)));
}

function isEmpty(value: JsonValue): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

function runtimeAppObject({ name, image, app, readOnlyRootFS, mounts, annotations }: RuntimeApp): JsonObject {
  return {
    name,
    image: imageObject(image),
    ...(app === undefined ? {} : { app: appObject(app) }),
    ...(readOnlyRootFS ? { readOnlyRootFS } : {}),
    ...withoutEmpty({ mounts: mounts.map(mountObject), annotations: annotations.map(pairObject) }),
  };
}

function imageObject({ name, id, labels }: RuntimeImage): JsonObject {
  return { ...defined({ name }), id, ...withoutEmpty({ labels: labels.map(pairObject) }) };
}

function mountObject({ volume, path, appVolume }: Mount): JsonObject {
  return { volume, path, ...(appVolume === undefined ? {} : { appVolume: volumeObject(appVolume) }) };
}

function volumeObject(volume: Volume): JsonObject {
  const { name, kind, readOnly } = volume;
  if (kind === 'host') {
    const { source, recursive } = volume;
    return { name, kind, source, ...defined({ readOnly, recursive }) };
  }
  const { mode, uid, gid } = volume;
  return { name, kind, ...defined({ readOnly }), mode: `0${mode.toString(8).padStart(3, '0')}`, uid, gid };
}

function exposedPortObject({ name, hostPort, hostIP, podPort }: ExposedPort): JsonObject {
  return {
    name,
    hostPort,
    ...defined({ hostIP }),
    ...(podPort === undefined ? {} : { podPort: portObject(podPort) }),
  };
}

function portObject({ name, protocol, port, count, socketActivated }: Port): JsonObject {
  return { name, protocol, port, count, socketActivated };
}

function mountPointObject({ name, path, readOnly }: MountPoint): JsonObject {
  return { name, path, ...(readOnly ? { readOnly } : {}) };
}

function eventHandlerObject({ name, exec }: EventHandler): JsonObject {
  return { name, exec: [...exec] };
}

function isolatorObject({ name, value }: Isolator): JsonObject {
  return { name, value };
}

function pairObject({ name, value }: Annotation | EnvironmentVariable | Label): JsonObject {
  return { name, value };
}
