/** The annotations of an app's configuration: its image's, its own, and what the pod is. */
import type { Annotation } from '../../image/aci/common-fields.js';
import type { ExposedPort } from '../../image/aci/pod.js';
import { harmless, imageAnnotations, portAnnotation } from '../../image/runtime/annotations.js';
import type { Isolation } from '../../image/runtime/isolation.js';
import type { PreparedApp, PreparedPod } from '../prepared.js';
import type { AppToRun } from './app-to-run.js';

export interface AnnotationsRequest {
  pod: PreparedPod;
  app: PreparedApp;
  run: AppToRun;
  isolation: Isolation;
}

/** The app's own come before its image's, and what is said here before both. */
export function annotationsOf({ pod, app, run, isolation }: AnnotationsRequest): Record<string, string> {
  return harmless(
    {
      'cairn.pod': pod.id,
      'cairn.app': app.name,
      'cairn.image': app.image,
      ...exposed(pod, run),
      ...(isolation.ignored.length === 0 ? {} : { 'cairn.isolators.ignored': isolation.ignored.join(',') }),
    },
    asRecord(app.runtime.annotations),
    ...fromImage(app),
    portAnnotation(run.app.ports),
  ).annotations;
}

/** Names of annotations of an app and its image that no runtime gets to see. */
export function ordersIn(app: PreparedApp): string[] {
  return harmless(asRecord(app.runtime.annotations), ...fromImage(app)).leftOut;
}

function fromImage({ says }: PreparedApp): Readonly<Record<string, string>>[] {
  return says.format === 'oci' ? imageAnnotations(says.config) : [asRecord(says.manifest.annotations)];
}

function asRecord(annotations: readonly Annotation[]): Record<string, string> {
  return Object.fromEntries(annotations.map(({ name, value }) => [name, value]));
}

/** The ports of an app that the pod offers to the outside: a runtime's caller opens them. */
function exposed({ manifest }: PreparedPod, { app }: AppToRun): Record<string, string> {
  const ports = manifest.ports.flatMap((exposedPort) => {
    const port = exposedPort.podPort ?? app.ports.find(({ name }) => name === exposedPort.name);
    return port === undefined ? [] : [{ ...port, ...told(exposedPort) }];
  });
  const listening = app.ports.filter(({ socketActivated }) => socketActivated);
  return {
    ...(ports.length === 0 ? {} : { 'cairn.ports': JSON.stringify(ports) }),
    ...(listening.length === 0 ? {} : { 'cairn.socket-activated': listening.map(({ name }) => name).join(',') }),
  };
}

function told({ name, hostPort, hostIP }: ExposedPort): Omit<ExposedPort, 'podPort'> {
  return { name, hostPort, ...(hostIP === undefined ? {} : { hostIP }) };
}
