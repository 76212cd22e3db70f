/**
 * The link of a server, which its connections share. All connections are equal, none gets what its receiver's own link
 * cannot take, and what one leaves goes to the others (max-min fairness). Rates change only when a connection begins or
 * ends, so the times are exact.
 */
import type { Agenda } from './agenda.js';
import { Heap } from './heap.js';

/** Bytes that rounding may leave of a transfer. */
const ROUNDING = 0.01;

/** Who takes from one server, over a link of its own. */
export class Receiver {
  readonly transfers = new Set<Transfer>();
}

export class Transfer {
  readonly receiver: Receiver;
  readonly bytes: number;
  readonly done: () => void;
  /** The progress of its group at which it is complete. */
  due = 0;
  /** Counts its moves between groups: an entry of a queue with another count is out of date. */
  moves = 0;

  constructor(receiver: Receiver, bytes: number, done: () => void) {
    this.receiver = receiver;
    this.bytes = bytes;
    this.done = done;
  }
}

/** Transfers of all receivers that have equally many. They have one rate, so those with the least left end first. */
class Group {
  receivers = 0;
  /** Bytes that a transfer would have got that has always been here. */
  progress = 0;
  /** Bytes a second of each transfer. */
  rate = 0;
  readonly queue = new Heap<{ transfer: Transfer; moves: number }>();

  /** The transfer that ends first. */
  first(): Transfer | undefined {
    for (let least = this.queue.least; least !== undefined; least = this.queue.least) {
      if (least.value.transfer.moves === least.value.moves) return least.value.transfer;
      this.queue.pop();
    }
    return undefined;
  }
}

export interface LinkSpeeds {
  /** Bytes a second of the server. */
  capacity: number;
  /** Bytes a second of each receiver. */
  receiverCapacity: number;
}

export class SharedLink {
  readonly capacity: number;
  readonly #receiverCapacity: number;
  readonly #agenda: Agenda;
  /** By how many transfers a receiver has. */
  readonly #groups: Group[] = [new Group()];
  #settled = 0;
  #changes = 0;
  /** Bytes that went over the link: its rate, added up over the time. */
  sent = 0;
  /** The highest rates that there were. */
  peak = 0;
  receiverPeak = 0;

  constructor(agenda: Agenda, { capacity, receiverCapacity }: LinkSpeeds) {
    this.#agenda = agenda;
    this.capacity = capacity;
    this.#receiverCapacity = receiverCapacity;
  }

  /** @param done is called once all bytes are there */
  begin(receiver: Receiver, bytes: number, done: () => void): Transfer {
    this.#settle();
    const transfer = new Transfer(receiver, bytes, done);
    this.#regroup(receiver, receiver.transfers.size + 1);
    receiver.transfers.add(transfer);
    this.#place(transfer, this.#group(receiver.transfers.size), bytes);
    this.#changed();
    return transfer;
  }

  /** Ends a transfer before its time. @returns the bytes that came */
  cancel(transfer: Transfer): number {
    this.#settle();
    const left = transfer.due - this.#group(transfer.receiver.transfers.size).progress;
    this.#remove(transfer);
    this.#changed();
    return transfer.bytes - left;
  }

  #group(transfers: number): Group {
    while (this.#groups.length <= transfers) this.#groups.push(new Group());
    return this.#groups[transfers] as Group;
  }

  #remove(transfer: Transfer): void {
    const { receiver } = transfer;
    transfer.moves++;
    receiver.transfers.delete(transfer);
    this.#regroup(receiver, receiver.transfers.size, receiver.transfers.size + 1);
  }

  /** Moves what a receiver has to the group that it is to be in. */
  #regroup(receiver: Receiver, to: number, from = receiver.transfers.size): void {
    const [left, entered] = [this.#group(from), this.#group(to)];
    for (const transfer of receiver.transfers) this.#place(transfer, entered, transfer.due - left.progress);
    if (to > 0) entered.receivers++;
    if (from > 0) left.receivers--;
    if (left.receivers > 0) return;
    left.progress = 0;
    left.queue.clear();
  }

  #place(transfer: Transfer, group: Group, bytes: number): void {
    transfer.due = group.progress + bytes;
    transfer.moves++;
    group.queue.push(transfer.due, { transfer, moves: transfer.moves });
  }

  /** Brings what has been sent up to the present. */
  #settle(): void {
    const seconds = this.#agenda.now - this.#settled;
    this.#settled = this.#agenda.now;
    for (const [transfers, group] of this.#groups.entries()) {
      group.progress += group.receivers > 0 ? group.rate * seconds : 0;
      this.sent += group.rate * transfers * group.receivers * seconds;
    }
  }

  #changed(): void {
    this.#share();
    let next = Number.POSITIVE_INFINITY;
    for (const group of this.#groups) {
      const first = group.receivers > 0 ? group.first() : undefined;
      if (first !== undefined) next = Math.min(next, Math.max(0, first.due - group.progress) / group.rate);
    }
    const changes = ++this.#changes;
    if (next === Number.POSITIVE_INFINITY) return;
    this.#agenda.at(this.#agenda.now + next, () => {
      if (changes === this.#changes) this.#complete();
    });
  }

  /** Shares the link. Who has the most connections reaches its own limit first. */
  #share(): void {
    let left = this.capacity;
    let connections = this.#groups.reduce((sum, { receivers }, transfers) => sum + receivers * transfers, 0);
    let total = 0;
    for (let transfers = this.#groups.length - 1; transfers > 0; transfers--) {
      const group = this.#group(transfers);
      if (group.receivers === 0) {
        group.rate = 0;
        continue;
      }
      const all = group.receivers * transfers;
      group.rate = Math.min(left / connections, this.#receiverCapacity / transfers);
      left -= group.rate * all;
      connections -= all;
      total += group.rate * all;
      this.receiverPeak = Math.max(this.receiverPeak, group.rate * transfers);
    }
    this.peak = Math.max(this.peak, total);
  }

  #complete(): void {
    this.#settle();
    const done: Transfer[] = [];
    for (const group of this.#groups) {
      for (let first = group.first(); first !== undefined; first = group.first()) {
        if (first.due - group.progress > ROUNDING) break;
        done.push(first);
        group.queue.pop();
      }
    }
    for (const transfer of done) this.#remove(transfer);
    this.#changed();
    for (const transfer of done) transfer.done();
  }
}
