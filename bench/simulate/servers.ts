/** Who has the image: a registry, which may be busy, and mirrors, which get from it what they are asked for. */
import type { Agenda } from './agenda.js';
import { type LinkSpeeds, Receiver, SharedLink, type Transfer } from './shared-link.js';

/** A blob, from a byte on to its end. */
export interface Asked {
  receiver: Receiver;
  blob: number;
  from: number;
  bytes: number;
  done: () => void;
}

export interface Request {
  /** @returns the bytes that came */
  cancel(): number;
}

export interface Server {
  readonly link: SharedLink;
  /** @returns `undefined` when it is too busy */
  ask(asked: Asked): Request | undefined;
}

export class ServingRegistry implements Server {
  readonly link: SharedLink;
  readonly #requests: number;
  #serving = 0;
  refused = 0;

  constructor(agenda: Agenda, { requests, ...speeds }: LinkSpeeds & { requests: number }) {
    this.link = new SharedLink(agenda, speeds);
    this.#requests = requests;
  }

  ask({ receiver, bytes, done }: Asked): Request | undefined {
    if (this.#serving >= this.#requests) {
      this.refused++;
      return undefined;
    }
    this.#serving++;
    const transfer = this.link.begin(receiver, bytes, () => {
      this.#serving--;
      done();
    });
    const cancel = (): number => {
      this.#serving--;
      return this.link.cancel(transfer);
    };
    return { cancel };
  }

  /** Mirrors are not refused. */
  give(receiver: Receiver, bytes: number, done: () => void): void {
    this.link.begin(receiver, bytes, done);
  }
}

/** A blob at a mirror: what is here of it, and who waits for more. */
interface Held {
  size: number;
  here: number;
  isComing: boolean;
  waiting: (() => void)[];
}

interface MirrorParts extends LinkSpeeds {
  registry: ServingRegistry;
  /** Bytes of each blob. */
  blobs: readonly number[];
  piece: number;
  isSeeded: boolean;
}

/** Gets each blob once, however many ask for it, and passes it on while it comes. */
export class ServingMirror implements Server {
  readonly link: SharedLink;
  readonly #parts: MirrorParts;
  readonly #receiver = new Receiver();
  readonly #held: Held[];
  /** Bytes that came from the registry. */
  took = 0;

  constructor(agenda: Agenda, parts: MirrorParts) {
    this.link = new SharedLink(agenda, parts);
    this.#parts = parts;
    this.#held = parts.blobs.map((size) => ({
      size,
      here: parts.isSeeded ? size : 0,
      isComing: parts.isSeeded,
      waiting: [],
    }));
  }

  ask({ receiver, blob, from, done }: Asked): Request {
    const held = this.#held[blob] as Held;
    if (!held.isComing) this.#get(held);
    let [sent, isOver] = [from, false];
    let transfer: Transfer | undefined;
    const send = (): void => {
      transfer = undefined;
      if (isOver) return;
      const upTo = held.here;
      if (upTo === sent) held.waiting.push(send);
      else
        transfer = this.link.begin(receiver, upTo - sent, () => {
          sent = upTo;
          if (sent === held.size) done();
          else send();
        });
    };
    send();
    const cancel = (): number => {
      isOver = true;
      return sent - from + (transfer === undefined ? 0 : this.link.cancel(transfer));
    };
    return { cancel };
  }

  #get(held: Held): void {
    held.isComing = true;
    const bytes = Math.min(this.#parts.piece, held.size - held.here);
    this.#parts.registry.give(this.#receiver, bytes, () => {
      held.here += bytes;
      this.took += bytes;
      if (held.here < held.size) this.#get(held);
      for (const send of held.waiting.splice(0)) send();
    });
  }
}
