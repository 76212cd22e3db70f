/**
 * A swarm: nodes give one another the pieces that they have, as peer-to-peer engines do. It is an ideal one, in which
 * every node knows what every other has. Time goes in rounds, in which a link carries one piece each way.
 */
import { seeded } from './random.js';

export interface Swarm {
  nodes: number;
  /** Bytes of the image. */
  bytes: number;
  piece: number;
  /** Bytes a second. */
  nodeSpeed: number;
  registrySpeed: number;
  seed: number;
}

export interface SwarmOutcome {
  /** When each node has the image, in seconds, earliest first. */
  done: number[];
  pieces: number;
  /** Pieces that each of them sent. */
  registrySent: number;
  nodesSent: number;
  /** The most pieces that a node, or the registry, sent or took in a round. */
  most: { nodeSent: number; nodeTook: number; registrySent: number };
}

/** Others that a node asks in a round before it gives up. */
const ASKED = 6;

export function simulateSwarm(swarm: Swarm): SwarmOutcome {
  const pieces = Math.ceil(swarm.bytes / swarm.piece);
  const round = swarm.piece / swarm.nodeSpeed;
  const perRound = Math.max(1, Math.floor(swarm.registrySpeed / swarm.nodeSpeed));
  const run = new Rounds(swarm.nodes, pieces, seeded(swarm.seed));
  const done: number[] = [];
  for (let rounds = 1; done.length < swarm.nodes; rounds++)
    for (let ended = run.next(perRound); ended > 0; ended--) done.push(rounds * round);
  return { done, pieces, registrySent: run.registrySent, nodesSent: run.nodesSent, most: run.most };
}

class Rounds {
  readonly #nodes: number;
  readonly #pieces: number;
  readonly #random: () => number;
  /** A row of bits for each node: the pieces that it has. */
  readonly #has: Uint32Array;
  readonly #words: number;
  readonly #count: Uint32Array;
  readonly #sent: Uint8Array;
  readonly #took: Uint8Array;
  readonly #order: Uint32Array;
  /** Pieces that have been given to anybody: those before this one. */
  #fresh = 0;
  registrySent = 0;
  nodesSent = 0;
  readonly most = { nodeSent: 0, nodeTook: 0, registrySent: 0 };

  constructor(nodes: number, pieces: number, random: () => number) {
    this.#nodes = nodes;
    this.#pieces = pieces;
    this.#random = random;
    this.#words = Math.ceil(pieces / 32);
    this.#has = new Uint32Array(nodes * this.#words);
    this.#count = new Uint32Array(nodes);
    this.#sent = new Uint8Array(nodes);
    this.#took = new Uint8Array(nodes);
    this.#order = Uint32Array.from({ length: nodes }, (_, i) => i);
  }

  /** @returns how many nodes have got their last piece */
  next(perRound: number): number {
    this.#sent.fill(0);
    this.#took.fill(0);
    this.#shuffle();
    const given: [node: number, piece: number][] = [];
    for (const node of this.#order) {
      if (this.#count[node] === this.#pieces) continue;
      const piece = this.#fromPeer(node);
      if (piece !== undefined) given.push([node, piece]);
    }
    given.push(...this.#fromRegistry(perRound));
    let ended = 0;
    // What comes in a round can be passed on in the next.
    for (const [node, piece] of given) {
      const word = node * this.#words + (piece >>> 5);
      this.#has[word] = (this.#has[word] as number) | (1 << (piece & 31));
      this.#count[node] = (this.#count[node] as number) + 1;
      if (this.#count[node] === this.#pieces) ended++;
    }
    return ended;
  }

  #shuffle(): void {
    const order = this.#order;
    for (let i = order.length - 1; i > 0; i--) {
      const j = this.#below(i + 1);
      const other = order[j] as number;
      order[j] = order[i] as number;
      order[i] = other;
    }
  }

  #below(end: number): number {
    return Math.floor(this.#random() * end);
  }

  #fromPeer(node: number): number | undefined {
    for (let tries = 0; tries < ASKED; tries++) {
      const peer = this.#below(this.#nodes);
      if (this.#sent[peer] !== 0 || this.#count[peer] === 0) continue;
      const piece = this.#useful(peer, node);
      if (piece === undefined) continue;
      this.#sent[peer] = (this.#sent[peer] as number) + 1;
      this.most.nodeSent = Math.max(this.most.nodeSent, this.#sent[peer] as number);
      this.nodesSent++;
      this.#take(node);
      return piece;
    }
    return undefined;
  }

  /** A piece that one node has and another lacks; any of them may come. */
  #useful(peer: number, node: number): number | undefined {
    const [from, to] = [peer * this.#words, node * this.#words];
    const first = this.#below(this.#words);
    for (let i = 0; i < this.#words; i++) {
      const word = (first + i) % this.#words;
      const bits = (this.#has[from + word] as number) & ~(this.#has[to + word] as number);
      if (bits === 0) continue;
      const turn = this.#below(32);
      const turned = turn === 0 ? bits : (bits >>> turn) | (bits << (32 - turn));
      const lowest = 31 - Math.clz32(turned & -turned);
      return word * 32 + ((lowest + turn) & 31);
    }
    return undefined;
  }

  /** The registry gives what nobody has yet, and then what nodes lack that got nothing in this round. */
  #fromRegistry(perRound: number): [node: number, piece: number][] {
    const given: [number, number][] = [];
    for (const node of this.#order) {
      if (given.length === perRound) break;
      if (this.#took[node] !== 0 || this.#count[node] === this.#pieces) continue;
      given.push([node, this.#fresh < this.#pieces ? this.#fresh++ : this.#lacking(node)]);
      this.#take(node);
    }
    this.registrySent += given.length;
    this.most.registrySent = Math.max(this.most.registrySent, given.length);
    return given;
  }

  #lacking(node: number): number {
    const first = this.#below(this.#pieces);
    for (let i = 0; ; i++) {
      const piece = (first + i) % this.#pieces;
      const word = this.#has[node * this.#words + (piece >>> 5)] as number;
      if ((word & (1 << (piece & 31))) === 0) return piece;
    }
  }

  #take(node: number): void {
    this.#took[node] = (this.#took[node] as number) + 1;
    this.most.nodeTook = Math.max(this.most.nodeTook, this.#took[node] as number);
  }
}
