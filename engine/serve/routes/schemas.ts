/** The records that the API gives, by name. Fields may be added. */
import { COUNT, FLAG, KEY, listOf, recordOf, type Schema, TEXT, TIME } from './route.js';

const TEXTS: Schema = { type: 'object', additionalProperties: TEXT };

const IMAGE = {
  key: KEY,
  digest: TEXT,
  name: TEXT,
  labels: TEXTS,
  names: listOf(TEXT),
  os: TEXT,
  arch: TEXT,
  format: { enum: ['aci', 'oci'] },
  size: COUNT,
  treeSize: COUNT,
  importTime: TIME,
  lastUsed: TIME,
  latest: FLAG,
  pinned: FLAG,
};

const POD = {
  pod: TEXT,
  state: { enum: ['prepared', 'running', 'exited', 'damaged'] },
  createdAt: TIME,
  startedAt: TIME,
  exitedAt: TIME,
  exitCodes: { type: 'object', additionalProperties: COUNT },
  damaged: TEXT,
};
const POD_OPTIONAL = ['startedAt', 'exitedAt', 'exitCodes', 'damaged'];

export const SCHEMAS: Readonly<Record<string, Schema>> = {
  Error: recordOf({ error: recordOf({ code: TEXT, message: TEXT }) }),
  Image: recordOf(IMAGE, ['digest', 'os', 'arch']),
  ImageDetails: recordOf(
    {
      ...IMAGE,
      dependencies: listOf(recordOf({ name: TEXT, key: { anyOf: [KEY, { type: 'null' }] } })),
      layers: listOf(recordOf({ key: KEY, size: COUNT, sharedBy: COUNT })),
      trees: listOf(recordOf({ treeId: TEXT, files: COUNT, bytes: COUNT, mode: TEXT })),
      roots: listOf(TEXT),
      damaged: listOf(recordOf({ kind: TEXT, key: KEY, what: TEXT })),
      annotations: TEXTS,
    },
    ['digest', 'os', 'arch'],
  ),
  Tree: recordOf({
    treeId: TEXT,
    images: listOf(KEY),
    path: TEXT,
    hash: KEY,
    files: COUNT,
    bytes: COUNT,
    uniqueBytes: COUNT,
    mode: TEXT,
    renderedAt: TIME,
    lastUsed: TIME,
  }),
  Pod: recordOf({ ...POD, apps: listOf(recordOf({ name: TEXT, image: KEY, treeId: TEXT })) }, POD_OPTIONAL),
  PodDetails: recordOf(
    {
      ...POD,
      dir: TEXT,
      apps: listOf(
        recordOf({ name: TEXT, image: KEY, imageName: TEXT, treeId: TEXT, path: TEXT, state: TEXT, exitCode: COUNT }, [
          'exitCode',
        ]),
      ),
      annotations: listOf(recordOf({ name: TEXT, value: TEXT })),
      pid: { type: 'integer' },
      cgroup: TEXT,
      networks: listOf(TEXT),
      gcMarkedAt: TIME,
      manifest: { anyOf: [{ type: 'object' }, { type: 'null' }] },
    },
    [...POD_OPTIONAL, 'gcMarkedAt'],
  ),
  File: recordOf(
    {
      path: TEXT,
      pathBase64: TEXT,
      type: { enum: ['file', 'dir', 'symlink', 'fifo', 'char', 'block'] },
      mode: TEXT,
      uid: COUNT,
      gid: COUNT,
      mtime: { type: 'number' },
      size: COUNT,
      key: KEY,
      link: TEXT,
      group: TEXT,
      xattrs: TEXTS,
      layer: KEY,
    },
    ['pathBase64', 'key', 'link', 'group', 'xattrs', 'layer'],
  ),
  Event: recordOf(
    {
      id: COUNT,
      at: TIME,
      event: TEXT,
      image: KEY,
      names: listOf(TEXT),
      tree: TEXT,
      pod: TEXT,
    },
    ['image', 'names', 'tree', 'pod'],
  ),
  Imported: recordOf({ source: TEXT, key: KEY, digest: TEXT, name: TEXT, format: TEXT, size: COUNT, existed: FLAG }, [
    'digest',
  ]),
  Rendered: recordOf({ image: KEY, treeId: TEXT, path: TEXT, hash: KEY, files: COUNT, bytes: COUNT, existed: FLAG }),
  Removed: recordOf({ key: KEY, untagged: listOf(TEXT), removed: FLAG, removedTrees: listOf(TEXT), freedBytes: COUNT }),
  Collected: recordOf({ dryRun: FLAG, removed: { type: 'object' }, gone: { type: 'object' }, freedBytes: COUNT }),
};
