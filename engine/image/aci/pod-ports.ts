/** Which ports of the host lead where: what a pod offers, and where its apps listen (rkt, `ForwardedPorts`). */
import { CairnError } from '../../core/errors.js';
import { quoted } from '../../core/printable.js';
import type { App, Port } from './app.js';
import type { ExposedPort, PodManifest } from './pod.js';

/** A port of the host, and the port of an app that it leads to. */
export interface ForwardedPort {
  from: ExposedPort;
  to: Port;
}

/** An address that means all addresses of the host. */
const ANY = '0.0.0.0';

/**
 * Finds the port of an app for every port that a pod offers.
 *
 * @param appOf what runs as an app of the pod, by its place in the manifest
 * @throws CairnError `ERR_BAD_MANIFEST` for a name that no app has, or several, and for a port of the host that is
 *   offered twice
 */
export function forwardedPorts(
  { ports, apps }: Pick<PodManifest, 'ports' | 'apps'>,
  appOf: (place: number) => Pick<App, 'ports'>,
): ForwardedPort[] {
  if (ports.length === 0) return [];
  const found = portsByName(apps.map((_app, place) => appOf(place)));
  const taken = new Map<string, ForwardedPort[]>();
  return ports.map((from, place) => {
    const entry = `pod manifest: ports[${place}]`;
    const [to, another] = from.podPort === undefined ? (found.get(from.name) ?? []) : [from.podPort];
    if (to === undefined) throw fault(entry, `port name ${quoted(from.name)} could not be found in any apps`);
    if (another !== undefined) throw fault(entry, `port name ${quoted(from.name)} defined in multiple apps`);
    const forwarded = { from, to };
    const same = appended(taken, `${to.protocol} ${from.hostPort}`, forwarded);
    const before = same.find((other) => other !== forwarded && isSameAddress(from, other.from));
    if (before === undefined) return forwarded;
    const host = `${to.protocol}-${from.hostIP ?? ANY}:${from.hostPort}`;
    throw fault(entry, `port ${host} already mapped to pod port ${before.to.port}`);
  });
}

function portsByName(apps: readonly Pick<App, 'ports'>[]): Map<string, Port[]> {
  const found = new Map<string, Port[]>();
  for (const { ports } of apps) for (const port of ports) appended(found, port.name, port);
  return found;
}

function appended<T>(lists: Map<string, T[]>, key: string, item: T): T[] {
  const list = lists.get(key) ?? [];
  list.push(item);
  lists.set(key, list);
  return list;
}

function isSameAddress({ hostIP: one = ANY }: ExposedPort, { hostIP: other = ANY }: ExposedPort): boolean {
  return one === other || one === ANY || other === ANY;
}

function fault(entry: string, rule: string): CairnError {
  return new CairnError('ERR_BAD_MANIFEST', rule, { entry });
}
