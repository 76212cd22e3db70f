/**
 * A herd: many nodes fetch one new image at once, from a registry or from mirrors in front of it. Nodes do as cairn
 * does: the manifest first, then so many layers at a time, and another try after a pause when the registry is busy.
 * When no try is left the command fails. Whoever runs it runs it again, and it goes on where the last one stopped.
 */
import { BLOBS_AT_A_TIME } from '../../engine/fetch/blob-downloads.js';
import { DEFAULT_RETRIES, pauseBefore } from '../../engine/remote/retry.js';
import { Agenda } from './agenda.js';
import { seeded } from './random.js';
import { type Request, type Server, ServingMirror, ServingRegistry } from './servers.js';
import { Receiver } from './shared-link.js';

export interface Herd {
  nodes: number;
  /** Bytes of each layer that the nodes lack. */
  layers: readonly number[];
  /** Bytes a second that each of them can send or take. */
  nodeSpeed: number;
  registrySpeed: number;
  mirrorSpeed: number;
  /** Mirrors that read through; nodes are spread over them evenly. Without any the nodes ask the registry. */
  mirrors: number;
  /** Mirrors have the image before the herd comes. */
  seeded: boolean;
  /** Bytes that a mirror passes on at a time of what it does not yet have whole. */
  piece: number;
  /** Seconds in which the nodes begin. */
  spread: number;
  /** Requests that the registry serves at a time; it answers any other with 503. */
  requests: number;
  /** Seconds after which the registry says it should be asked again. */
  retryAfter: number | undefined;
  /** Seconds after which a command that failed is run again, half less or more. */
  restart: number;
  seed: number;
}

export interface LinkUse {
  name: string;
  capacity: number;
  /** The highest rate, in bytes a second. */
  peak: number;
}

export interface Outcome {
  /** When each node has the image, in seconds, earliest first. */
  done: number[];
  /** Bytes that each of them sent, or took. */
  registrySent: number;
  mirrorsSent: number;
  mirrorsTook: number;
  nodesTook: number;
  /** Requests that the registry refused. */
  refused: number;
  /** Commands that failed, and were run again. */
  failed: number;
  links: LinkUse[];
}

/** Bytes of a manifest. */
export const MANIFEST = 4000;

export function simulateHerd(herd: Herd): Outcome {
  const agenda = new Agenda();
  const random = seeded(herd.seed);
  const takers = herd.mirrors === 0 ? herd.nodeSpeed : herd.mirrorSpeed;
  const registry = new ServingRegistry(agenda, {
    capacity: herd.registrySpeed,
    receiverCapacity: takers,
    requests: herd.requests,
  });
  const blobs = [MANIFEST, ...herd.layers];
  const speeds = { capacity: herd.mirrorSpeed, receiverCapacity: herd.nodeSpeed };
  const { piece, seeded: isSeeded } = herd;
  const mirrors = Array.from(
    { length: herd.mirrors },
    () => new ServingMirror(agenda, { ...speeds, registry, blobs, piece, isSeeded }),
  );
  const nodes = Array.from({ length: herd.nodes }, (_, i) => {
    const server = mirrors[i % mirrors.length] ?? registry;
    const node = new Node({ agenda, herd, random, server, blobs });
    agenda.at(random() * herd.spread, () => node.begin());
    return node;
  });
  agenda.run();
  const link = (name: string, { link }: Server): LinkUse[] => [
    { name, capacity: link.capacity, peak: link.peak },
    { name: `a node at ${name}`, capacity: name === 'registry' ? takers : herd.nodeSpeed, peak: link.receiverPeak },
  ];
  return {
    done: nodes.map(({ doneAt }) => doneAt).sort((a, b) => a - b),
    registrySent: registry.link.sent,
    mirrorsSent: mirrors.reduce((sum, mirror) => sum + mirror.link.sent, 0),
    mirrorsTook: mirrors.reduce((sum, { took }) => sum + took, 0),
    nodesTook: nodes.reduce((sum, { took }) => sum + took, 0),
    refused: registry.refused,
    failed: nodes.reduce((sum, { failed }) => sum + failed, 0),
    links: [...link('registry', registry), ...mirrors.flatMap((mirror, i) => link(`mirror ${i}`, mirror))],
  };
}

interface NodeParts {
  agenda: Agenda;
  herd: Herd;
  random: () => number;
  server: Server;
  blobs: readonly number[];
}

class Node {
  readonly #parts: NodeParts;
  readonly #receiver = new Receiver();
  /** Bytes that are here of each blob. */
  readonly #have: number[];
  readonly #asked = new Map<number, Request>();
  /** Counts the runs of the command: what an earlier run waited for does not concern a later one. */
  #run = 0;
  #next = 0;
  took = 0;
  failed = 0;
  doneAt = Number.NaN;

  constructor(parts: NodeParts) {
    this.#parts = parts;
    this.#have = parts.blobs.map(() => 0);
  }

  begin(): void {
    this.#run++;
    this.#next = 1;
    // The manifest is asked for by each run.
    this.#have[0] = 0;
    this.#ask(0, 0);
  }

  #ask(blob: number, attempt: number): void {
    const { server, blobs } = this.#parts;
    const from = this.#have[blob] as number;
    const request = server.ask({
      receiver: this.#receiver,
      blob,
      from,
      bytes: (blobs[blob] as number) - from,
      done: () => {
        this.#asked.delete(blob);
        this.#took(blob, (blobs[blob] as number) - from);
        this.#askMore(blob);
      },
    });
    if (request === undefined) this.#refused(blob, attempt);
    else this.#asked.set(blob, request);
  }

  #took(blob: number, bytes: number): void {
    this.#have[blob] = (this.#have[blob] as number) + bytes;
    this.took += bytes;
  }

  /** @param ended the blob whose end makes room for another */
  #askMore(ended: number): void {
    const { blobs, agenda } = this.#parts;
    const run = this.#run;
    for (let room = ended === 0 ? BLOBS_AT_A_TIME : 1; room > 0 && this.#next < blobs.length; ) {
      const blob = this.#next++;
      if (this.#have[blob] === blobs[blob]) continue;
      room--;
      this.#ask(blob, 0);
      if (run !== this.#run) return;
    }
    if (blobs.every((bytes, blob) => this.#have[blob] === bytes)) this.doneAt = agenda.now;
  }

  #refused(blob: number, attempt: number): void {
    const { agenda, herd, random } = this.#parts;
    const asked = herd.retryAfter === undefined ? undefined : herd.retryAfter * 1000;
    const pause = pauseBefore(attempt, { ...DEFAULT_RETRIES, random }, asked);
    if (pause === undefined) {
      this.#fail();
      return;
    }
    const run = this.#run;
    agenda.at(agenda.now + pause / 1000, () => {
      if (run === this.#run) this.#ask(blob, attempt + 1);
    });
  }

  /** All transfers end. What came of layers stays. */
  #fail(): void {
    const { agenda, herd, random } = this.#parts;
    this.failed++;
    this.#run++;
    for (const [blob, request] of this.#asked) this.#took(blob, request.cancel());
    this.#asked.clear();
    agenda.at(agenda.now + herd.restart * (0.5 + random()), () => this.begin());
  }
}
