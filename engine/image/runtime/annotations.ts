/** The annotations of a runtime's configuration (OCI image spec, conversion, "Annotation Fields"). */
import type { Port } from '../aci/app.js';
import type { OciConfig } from '../oci/config.js';

/**
 * Annotations by which runtimes take orders: hooks to run on the host, properties of services, other hypervisors. They
 * are for those who run a bundle. In an image or a manifest, strangers write them.
 */
const ORDERS: readonly string[] = [
  ...['run.oci.', 'org.systemd.property.', 'org.criu.', 'org.crun.', 'module.wasm.', 'io.podman.', 'io.kubernetes.'],
  ...['io.containers.', 'io.container.', 'io.katacontainers.', 'com.github.containers.', 'dev.gvisor.'],
];

/** Whether an annotation is an order to a runtime. */
export function isOrder(key: string): boolean {
  return ORDERS.some((prefix) => key.toLowerCase().startsWith(prefix));
}

/** Annotations of an image, of which those named first count, without orders to runtimes. */
export function harmless(...sources: Readonly<Record<string, string>>[]): {
  annotations: Record<string, string>;
  leftOut: string[];
} {
  const annotations: Record<string, string> = {};
  const leftOut = new Set<string>();
  for (const [key, value] of sources.flatMap((source) => Object.entries(source))) {
    if (key === '') continue;
    if (isOrder(key)) leftOut.add(key);
    else if (!Object.hasOwn(annotations, key)) Object.defineProperty(annotations, key, field(value));
  }
  return { annotations, leftOut: [...leftOut] };
}

/** Makes even `__proto__` a key like others. */
function field(value: string): PropertyDescriptor {
  return { value, enumerable: true, configurable: true, writable: true };
}

const IMAGE = 'org.opencontainers.image';

/** What an OCI image's configuration says. Its labels come before what its fields say. */
export function imageAnnotations({ config, raw, ...fields }: OciConfig): Readonly<Record<string, string>>[] {
  const ofSystem = (key: string): string => {
    const value = raw[key];
    return Array.isArray(value) ? value.filter((each) => typeof each === 'string').join(',') : String(value ?? '');
  };
  const run = raw['config'];
  const stopSignal = typeof run === 'object' && run !== null && 'StopSignal' in run ? run['StopSignal'] : undefined;
  const said: Record<string, string> = {
    [`${IMAGE}.os`]: fields.os,
    [`${IMAGE}.architecture`]: fields.architecture,
    [`${IMAGE}.variant`]: fields.variant ?? '',
    [`${IMAGE}.os.version`]: ofSystem('os.version'),
    [`${IMAGE}.os.features`]: ofSystem('os.features'),
    [`${IMAGE}.author`]: fields.author ?? '',
    [`${IMAGE}.created`]: fields.created ?? '',
    [`${IMAGE}.stopSignal`]: typeof stopSignal === 'string' ? stopSignal : '',
    [`${IMAGE}.exposedPorts`]: config.exposedPorts.join(','),
  };
  return [config.labels, Object.fromEntries(Object.entries(said).filter(([, value]) => value !== ''))];
}

/** The ports of an app, as OCI's tools write exposed ports; a range by its ends. */
export function portAnnotation(ports: readonly Port[]): Record<string, string> {
  if (ports.length === 0) return {};
  const texts = ports.map(({ port, count, protocol }) => {
    const numbers = count > 1 ? `${port}-${port + count - 1}` : `${port}`;
    return `${numbers}/${protocol === '' ? 'tcp' : protocol}`;
  });
  return { [`${IMAGE}.exposedPorts`]: texts.join(',') };
}
