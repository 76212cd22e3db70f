/** Counts of requests and bytes, and what the store holds, in the text format of Prometheus. */
import type { Store } from '../store.js';

type Labels = Readonly<Record<string, string | number>>;

interface Metric {
  name: string;
  help: string;
  type: 'counter' | 'gauge';
  samples: readonly (readonly [labels: Labels, value: number])[];
}

export class Metrics {
  /** Requests by method, route and status: routes are few, whatever is asked. */
  readonly #requests = new Map<string, { labels: Labels; count: number }>();
  inFlight = 0;
  listeners = 0;
  sentBytes = 0;
  receivedBytes = 0;
  /** Times that the store turned out to be damaged. */
  damage = 0;

  count(method: string, route: string, status: number): void {
    const key = `${method} ${route} ${status}`;
    const known = this.#requests.get(key);
    if (known === undefined) this.#requests.set(key, { labels: { method, route, status }, count: 1 });
    else known.count++;
  }

  async text(store: Store, more: { madeBytes: number; connections: number }): Promise<string> {
    const counts = await store.counts();
    const gauge = (name: string, help: string, value: number): Metric => ({
      name,
      help,
      type: 'gauge',
      samples: [[{}, value]],
    });
    const counter = (name: string, help: string, value: number): Metric => ({
      ...gauge(name, help, value),
      type: 'counter',
    });
    const requests = [...this.#requests.values()].map(({ labels, count }) => [labels, count] as const);
    return written([
      gauge('cairn_images', 'Images in the store.', counts.images),
      gauge('cairn_layers', 'Layers in the store.', counts.layers),
      gauge('cairn_trees', 'Rendered trees.', counts.trees),
      gauge('cairn_objects', 'Objects in the store.', counts.objects),
      gauge('cairn_object_bytes', 'Bytes of objects.', counts.objectBytes),
      gauge('cairn_blobs', 'Blobs in the store.', counts.blobs),
      gauge('cairn_blob_bytes', 'Bytes of blobs.', counts.blobBytes),
      gauge('cairn_orphan_bytes', 'Bytes that nothing needs, waiting for gc.', counts.orphanBytes),
      gauge('cairn_index_bytes', 'Bytes of the index.', counts.indexBytes),
      gauge('cairn_last_event', 'Number of the last event.', counts.lastEvent),
      { name: 'cairn_http_requests_total', help: 'Requests answered.', type: 'counter', samples: requests },
      gauge('cairn_http_requests_in_flight', 'Requests under way.', this.inFlight),
      gauge('cairn_http_connections', 'Open connections.', more.connections),
      gauge('cairn_http_listeners', 'Listeners to events.', this.listeners),
      counter('cairn_http_sent_bytes_total', 'Bytes sent.', this.sentBytes),
      counter('cairn_http_received_bytes_total', 'Bytes received.', this.receivedBytes),
      gauge('cairn_made_bytes', 'Bytes made anew to be sent, lying ready.', more.madeBytes),
      counter('cairn_damage_total', 'Requests that met damage of the store.', this.damage),
      gauge('process_resident_memory_bytes', 'Memory of the process.', process.memoryUsage.rss()),
      gauge('process_start_time_seconds', 'When the process began.', Math.floor(Date.now() / 1000 - process.uptime())),
    ]);
  }
}

function written(metrics: readonly Metric[]): string {
  return metrics
    .flatMap(({ name, help, type, samples }) => [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} ${type}`,
      ...samples.map(([labels, value]) => `${name}${labelText(labels)} ${value}`),
    ])
    .map((line) => `${line}\n`)
    .join('');
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(`${value}`)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(text: string): string {
  return text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');
}
