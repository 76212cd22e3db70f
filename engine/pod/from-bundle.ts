/** Pods made of OCI runtime bundles: the request that says what the bundle says. */
import * as fs from 'node:fs';
import { join, resolve } from 'node:path';
import { CairnError, hasCode, toCairnError } from '../core/errors.js';
import type { Limits } from '../core/limits.js';
import { type ConvertedBundle, podFromBundle } from '../image/convert/runtime/bundle-to-pod.js';
import type { Notice } from '../image/convert/runtime/untold.js';
import type { PodRequest } from './request.js';

export type { Notice };

/** A request for the pod of a bundle, and what of the bundle it does not say. */
export interface FromBundle {
  request: PodRequest;
  notices: Notice[];
}

/**
 * Converts a bundle. Its root file system is a directory, and that of an app an image: which one, the request says.
 * What the request asks besides comes before what the bundle says.
 *
 * @param dir the bundle, which is not trusted: only `config.json` is read, which must be a file of its own
 * @param asked one app
 * @throws CairnError `ERR_USAGE` for no image or several, `ERR_NOT_FOUND` without a configuration, `ERR_BAD_ARCHIVE`,
 *   `ERR_BAD_MANIFEST`, `ERR_IO`
 */
export function requestFromBundle(dir: string, asked: PodRequest, limits: Pick<Limits, 'maxManifest'>): FromBundle {
  const [app, ...more] = asked.apps;
  if (app === undefined || more.length > 0) {
    throw new CairnError('ERR_USAGE', 'the pod of a bundle has one image: that of the root file system', { path: dir });
  }
  const bundle = resolve(dir);
  const { notices, ...said } = podFromBundle(readConfig(bundle, limits), bundle, limits);
  return { request: merged(asked, app, said), notices };
}

function merged(
  asked: PodRequest,
  app: PodRequest['apps'][number],
  said: Omit<ConvertedBundle, 'notices'>,
): PodRequest {
  const { volumes = [], isolators = [] } = asked;
  return {
    ...asked,
    volumes: [...volumes, ...said.volumes.filter(({ name }) => volumes.every((each) => each.name !== name))],
    isolators: [...isolators, ...said.isolators.filter(({ name }) => isolators.every((each) => each.name !== name))],
    apps: [
      {
        ...app,
        app: app.app ?? said.app,
        readOnlyRootFS: app.readOnlyRootFS ?? said.readOnlyRootFS,
        mounts: [...(app.mounts ?? []), ...said.mounts],
        annotations: { ...said.annotations, ...app.annotations },
      },
    ],
  };
}

/** Follows no link out of the bundle, and never waits for a pipe. */
function readConfig(bundle: string, { maxManifest }: Pick<Limits, 'maxManifest'>): Buffer {
  const path = join(bundle, 'config.json');
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
  let fd: number;
  try {
    fd = fs.openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) {
      throw new CairnError('ERR_NOT_FOUND', `no bundle of OCI: there is no ${path}`, { path, cause: error });
    }
    if (hasCode(error, 'ELOOP', 'EMLINK', 'ENXIO')) throw noFile(path, error);
    throw toCairnError(error);
  }
  try {
    if (!fs.fstatSync(fd).isFile()) throw noFile(path);
    // One byte more tells a document that is too large from one that just fits.
    const bytes = Buffer.alloc(Math.min(fs.fstatSync(fd).size, maxManifest + 1));
    return bytes.subarray(0, fs.readSync(fd, bytes, 0, bytes.length, 0));
  } catch (error) {
    throw toCairnError(error);
  } finally {
    fs.closeSync(fd);
  }
}

function noFile(path: string, cause?: unknown): CairnError {
  return new CairnError('ERR_BAD_MANIFEST', `${path} is not a regular file`, { path, cause });
}
