/** The tables of the index: what each holds, and under which keys. */
import { defined } from '../core/defined.js';
import type { Key } from '../core/key.js';
import type { PackAddress } from '../core/object.js';
import { type RowHash, SUMS_KEY, SumKeeper, type TableSums } from './checksums.js';
import type { Environment } from './environment.js';
import {
  asTheyAre,
  DIGESTS,
  EVENT_IDS,
  KEYS,
  type KeyCodec,
  OBJECT_NAMES,
  ORPHANS,
  type Orphan,
  PACK_ADDRESSES,
  PACK_IDS,
  PACK_LAYERS,
  type PackLayer,
} from './keys.js';
import { openTable } from './late-table.js';
import type {
  BlobRecord,
  EventRecord,
  ImageRecord,
  LayerRecord,
  LeaseRecord,
  ObjectRecord,
  PackRecord,
  PlacesRecord,
  PodRecord,
  TreeRecord,
} from './records.js';
import { LAYERS, OBJECTS } from './records.js';
import { Table, type ValueCodec } from './table.js';

interface AddOptions<K, V> {
  keyEncoding?: 'binary';
  values?: ValueCodec<K, V>;
}

export class Tables {
  /** Schema, totals, sums. */
  readonly meta: Table<string, unknown>;
  readonly images: Table<Key, ImageRecord>;
  /** Name and key of an image → nothing: image names in order. */
  readonly names: Table<[name: string, image: string], true>;
  /** Digests of archives and documents → the key of the image or layer. */
  readonly digests: Table<string, Key>;
  /** A cheap fingerprint of an archive → the digests of the archives that have it. */
  readonly fingerprints: Table<string, string[]>;
  readonly layers: Table<Key, LayerRecord>;
  readonly blobs: Table<Key, BlobRecord>;
  /** Objects by their names. */
  readonly objects: Table<string, ObjectRecord>;
  /** Objects and blobs that nothing needs any more, waiting for gc. */
  readonly orphans: Table<Orphan, true>;
  readonly trees: Table<string, TreeRecord>;
  readonly leases: Table<string, LeaseRecord>;
  readonly packs: Table<number, PackRecord>;
  /** Parts of packs that no object needs any more and that still take space: where they begin → bytes. */
  readonly dead: Table<PackAddress, number>;
  readonly places: Table<PackLayer, PlacesRecord>;
  readonly pods: Table<string, PodRecord>;
  /** The journal, see `events.ts`: events by their numbers. */
  readonly events: Table<number, EventRecord>;
  /** All of the tables above. */
  readonly all: readonly Table<unknown, unknown>[];
  /** Works out the sums of the transaction under way; `undefined` where nothing is written. */
  readonly #keeper: SumKeeper | undefined;
  /** @param path of the index, for errors */
  constructor(environment: Environment, path: string, readOnly: boolean) {
    const keeper = readOnly ? undefined : new SumKeeper((hash) => this.sums ?? this.#sumUp(hash));
    const all: Table<unknown, unknown>[] = [];
    const add = <K, V>(name: string, keys: KeyCodec<K>, options: AddOptions<K, V> = {}): Table<K, V> => {
      const { values, ...database } = options;
      const table = new Table<K, V>({
        name,
        database: openTable(environment, { name, ...database }),
        ...defined({ values }),
        keys,
        path,
        sums: keeper,
      });
      all.push(table as unknown as Table<unknown, unknown>);
      return table;
    };
    const bytes = { keyEncoding: 'binary' } as const;
    this.meta = add('meta', asTheyAre());
    this.images = add('images', KEYS, bytes);
    this.names = add('names', asTheyAre());
    this.digests = add('digests', DIGESTS, bytes);
    this.fingerprints = add('fingerprints', asTheyAre());
    this.layers = add('layers', KEYS, { ...bytes, values: LAYERS });
    this.blobs = add('blobs', KEYS, bytes);
    this.objects = add('objects', OBJECT_NAMES, { ...bytes, values: OBJECTS });
    this.orphans = add('orphans', ORPHANS, bytes);
    this.trees = add('trees', asTheyAre());
    this.leases = add('leases', asTheyAre());
    this.packs = add('packs', PACK_IDS, bytes);
    this.dead = add('dead', PACK_ADDRESSES, bytes);
    this.places = add('places', PACK_LAYERS, bytes);
    this.pods = add('pods', asTheyAre());
    this.events = add('events', EVENT_IDS);
    this.all = all;
    this.#keeper = keeper;
  }

  /** Runs a change inside a transaction, and writes the sums that the change leads to. */
  protected runSummed<T>(hash: RowHash, change: () => T): T {
    this.#keeper?.begin(hash);
    const changed = change();
    const sums = this.#keeper?.end();
    if (sums !== undefined) this.meta.putUncounted(SUMS_KEY, sums);
    return changed;
  }

  /** The sums as committed last; none in an index from before there were sums. */
  get sums(): TableSums | undefined {
    return this.meta.get(SUMS_KEY) as TableSums | undefined;
  }

  #sumUp(hash: RowHash): TableSums {
    return Object.fromEntries(this.all.map((table) => [table.name, table.sum(hash, (key) => key !== SUMS_KEY)]));
  }
}
