/** What runs in an app of a pod, and by whose rules: what the pod says of it, else what its image says. */
import type { App } from '../../image/aci/app.js';
import { appOf } from '../../image/convert/oci-to-aci.js';
import type { OciConfig } from '../../image/oci/config.js';
import type { FieldAt } from '../../image/runtime/app-field.js';
import type { PreparedApp } from '../prepared.js';

export interface AppToRun {
  app: App;
  /** Set if the image's own configuration runs, by the rules of OCI. */
  oci?: OciConfig;
  /** Whether the image was made for Docker. It then expects what Docker does with volumes and groups. */
  isFromDocker: boolean;
  /** The app that the image has; there may be none. */
  imageApp?: App;
}

/** docker2aci, and whoever does as it does, notes so where an image comes from. */
const DOCKER_REPOSITORY = 'appc.io/docker/repository';

/** @throws CairnError `ERR_BAD_MANIFEST` if nothing runs */
export function appToRun({ runtime, says }: PreparedApp, at: FieldAt): AppToRun {
  if (says.format === 'oci') {
    const imageApp = appOf(says.config);
    if (runtime.app !== undefined) return { app: runtime.app, imageApp, isFromDocker: true };
    return { app: imageApp, imageApp, oci: says.config, isFromDocker: true };
  }
  const { app: imageApp, annotations } = says.manifest;
  const isFromDocker = annotations.some((each) => each.name === DOCKER_REPOSITORY);
  const app = runtime.app ?? imageApp;
  if (app === undefined) throw at('app').fault('neither the pod manifest nor the image has an app to run');
  return { app, isFromDocker, ...(imageApp === undefined ? {} : { imageApp }) };
}
