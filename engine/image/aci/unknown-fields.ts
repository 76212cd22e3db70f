/** Finds fields of a pod manifest that the spec does not have. They mean nothing, and are often misspelled ones. */
import { MAX_NOTICES } from '../../core/limits.js';
import type { JsonValue } from '../json.js';

/** The fields of an object, a list's items in brackets; `ANY` is whatever the document has. */
type Schema = typeof ANY | readonly [Schema] | { readonly [field: string]: Schema };

const ANY = null;
const PAIRS = [{ name: ANY, value: ANY }] as const;
const PORT = { name: ANY, protocol: ANY, port: ANY, count: ANY, socketActivated: ANY };
const VOLUME = {
  ...{ name: ANY, kind: ANY, source: ANY, readOnly: ANY, recursive: ANY },
  ...{ mode: ANY, uid: ANY, gid: ANY },
};
const APP = {
  ...{ exec: ANY, user: ANY, group: ANY, supplementaryGIDs: ANY, workingDirectory: ANY },
  eventHandlers: [{ name: ANY, exec: ANY }],
  environment: PAIRS,
  mountPoints: [{ name: ANY, path: ANY, readOnly: ANY }],
  ports: [PORT],
  isolators: PAIRS,
  ...{ userAnnotations: ANY, userLabels: ANY },
} as const;
const RUNTIME_APP = {
  name: ANY,
  image: { id: ANY, name: ANY, labels: PAIRS },
  app: APP,
  readOnlyRootFS: ANY,
  mounts: [{ volume: ANY, path: ANY, appVolume: VOLUME }],
  annotations: PAIRS,
} as const;
const POD: Schema = {
  ...{ acVersion: ANY, acKind: ANY },
  apps: [RUNTIME_APP],
  volumes: [VOLUME],
  isolators: PAIRS,
  annotations: PAIRS,
  ports: [{ name: ANY, hostPort: ANY, hostIP: ANY, podPort: PORT }],
  ...{ userAnnotations: ANY, userLabels: ANY },
};

/** Paths to unknown fields, such as `apps[0].mount`, at most as many as anybody reads. */
export function unknownFields(manifest: JsonValue): string[] {
  const paths: string[] = [];
  for (const path of unknownIn(manifest, POD, '')) if (paths.push(path) >= MAX_NOTICES) break;
  return paths;
}

function* unknownIn(value: JsonValue, schema: Schema, path: string): Generator<string> {
  if (schema === ANY || typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    if (!isList(schema)) return;
    for (const [i, item] of value.entries()) yield* unknownIn(item, schema[0], `${path}[${i}]`);
    return;
  }
  if (isList(schema)) return;
  const known = new Map(Object.entries(schema).map(([name, fields]) => [name.toLowerCase(), fields]));
  for (const [key, field] of Object.entries(value)) {
    const below = path === '' ? key : `${path}.${key}`;
    const fields = known.get(key.toLowerCase());
    if (fields === undefined) yield below;
    else yield* unknownIn(field, fields, below);
  }
}

function isList(schema: Exclude<Schema, null>): schema is readonly [Schema] {
  return Array.isArray(schema);
}
