/**
 * The rooms of the house: the subject of each, and the rooms that it may import. This is the one table: the
 * architecture test holds the sources against it, CONTRIBUTING shows it, and each room's door repeats its line.
 */
export interface Room {
  /** One sentence about the room. */
  says: string;
  /** Rooms on lower floors; rooms of one floor do not see each other. */
  imports: readonly string[];
  /** Reaches no I/O, neither by itself nor through imports. */
  pure?: true;
}

const GROUND = ['core', 'disk', 'image', 'workers/tasks', 'layer', 'index', 'objects', 'plan'];

/** By folder below `engine/`, or as the folder of workers. From the ground floor up. */
export const ROOMS: Readonly<Record<string, Room>> = {
  core: { says: 'values without a disk: bytes, keys, paths, metadata, errors, limits', imports: [], pure: true },
  disk: { says: 'the file system, and where things lie in it', imports: ['core'] },
  image: { says: 'documents of ACI and OCI: read, checked, written, converted', imports: ['core'], pure: true },
  erofs: { says: 'images that the kernel mounts: EROFS, written', imports: ['core'], pure: true },
  'workers/tasks': { says: 'what crosses between threads: tasks, and the memory they share', imports: ['core'] },
  layer: {
    says: "one layer's bytes and rules: tar, table of contents, recipe",
    imports: ['core', 'workers/tasks'],
    pure: true,
  },
  index: {
    says: 'what exists: LMDB, its tables, records and references',
    imports: ['core', 'disk', 'image', 'workers/tasks'],
  },
  objects: { says: 'objects: how they are called, where they lie, their further copies', imports: ['core', 'disk'] },
  plan: { says: 'from layers to the rows of a tree', imports: ['core', 'layer', 'workers/tasks'], pure: true },
  remote: {
    says: 'servers, and what is asked of them: HTTP, registries, discovery, credentials',
    imports: ['core', 'disk', 'image'],
  },
  trust: { says: 'whose signatures count: keys, signatures, policy', imports: ['core', 'disk', 'image'] },
  session: {
    says: 'an open store: its context, format, owner, pool and locks',
    imports: ['core', 'disk', 'erofs', 'index', 'objects', 'workers/tasks'],
  },
  content: {
    says: 'blobs, layers and documents of an open store',
    imports: ['session', ...GROUND.filter((room) => room !== 'image')],
  },
  resolve: {
    says: 'from an argument to an image, its stack of layers and its plan',
    imports: ['content', 'session', 'plan', 'index', 'layer', 'image', 'disk', 'core'],
  },
  recover: {
    says: 'backup, a lost index made anew, older formats brought up to date',
    imports: ['content', 'session', 'index', 'objects', 'layer', 'disk', 'workers/tasks', 'core'],
  },
  import: { says: 'from a source to an image that is listed', imports: ['resolve', 'content', 'session', ...GROUND] },
  tree: {
    says: 'root file systems: render, mount and checkout',
    imports: ['resolve', 'content', 'session', 'plan', 'erofs', 'index', 'disk', 'workers/tasks', 'core'],
  },
  export: {
    says: 'archives and layouts out of the store',
    imports: ['resolve', 'content', 'session', 'plan', 'index', 'image', 'disk', 'workers/tasks', 'core'],
  },
  collect: {
    says: 'what may go and what must stay: roots, remove, gc, sweep',
    imports: ['resolve', 'content', 'session', 'index', 'objects', 'disk', 'core'],
  },
  verify: {
    says: 'whether the store is what its index says: check, fsck, repair',
    imports: ['collect', 'resolve', 'content', 'session', 'plan', 'index', 'objects', 'disk', 'workers/tasks', 'core'],
  },
  inspect: {
    says: 'what people ask: images, usage, files, differences',
    imports: ['collect', 'resolve', 'content', 'session', 'plan', 'index', 'image', 'core'],
  },
  fetch: {
    says: 'from the world to the store and back: images of registries and web servers',
    imports: [
      ...['import', 'export', 'resolve', 'content', 'session', 'remote', 'trust', 'index', 'image', 'disk'],
      ...['workers/tasks', 'core'],
    ],
  },
  offer: {
    says: 'what a store gives to other machines: repositories, manifests, blobs, tars',
    imports: ['export', 'resolve', 'content', 'session', 'plan', 'index', 'image', 'disk', 'core'],
  },
  pod: {
    says: 'pods: prepared, bundled, run, and what holds their images',
    imports: ['tree', 'resolve', 'content', 'session', 'plan', 'index', 'image', 'disk', 'workers/tasks', 'core'],
  },
  build: {
    says: 'images made by hand: a working tree, edits of its manifest, and what both become',
    imports: ['pod', 'import', 'export', 'tree', 'resolve', 'content', 'session', ...GROUND],
  },
  'workers/compression': { says: 'compressed streams, in and out', imports: ['core', 'workers/tasks'] },
  'workers/files': {
    says: 'one file on a disk: its metadata, its bytes, its copy, its end',
    imports: ['core', 'disk', 'objects', 'plan', 'workers/tasks'],
  },
  'workers/pack': {
    says: "trees as tars, of a store's objects or of files in a directory",
    imports: ['core', 'disk', 'layer', 'objects', 'plan', 'workers/tasks'],
  },
  'workers/walk': {
    says: 'what is in a directory, and what has changed in it',
    imports: ['core', 'disk', 'plan', 'workers/tasks', 'workers/files'],
  },
  'workers/import': {
    says: "a layer's source to staging",
    imports: ['core', 'disk', 'layer', 'objects', 'workers/tasks', 'workers/compression', 'workers/pack'],
  },
  'workers/tree': {
    says: "a plan's shard to directories and files",
    imports: ['core', 'disk', 'objects', 'plan', 'workers/tasks', 'workers/files'],
  },
  'workers/verify': {
    says: 'whether files are what their names, or plans, say',
    imports: ['core', 'disk', 'objects', 'plan', 'workers/tasks', 'workers/files'],
  },
  'workers/export': {
    says: 'layers and trees to archives',
    imports: [
      ...['core', 'disk', 'erofs', 'layer', 'objects', 'plan', 'workers/tasks', 'workers/compression'],
      'workers/pack',
    ],
  },
};

/** Code outside the rooms: single files, and the command line. Each lists the rooms that it may import. */
export const ABOVE: Readonly<Record<string, { says: string; imports: readonly string[] }>> = {
  facade: {
    says: 'the façade in parts: an open store, its images, its trees, its contents, its builds',
    imports: [
      ...[
        'build',
        'fetch',
        'offer',
        'pod',
        'verify',
        'collect',
        'export',
        'inspect',
        'tree',
        'import',
        'resolve',
        'content',
        'session',
        'plan',
        'index',
      ],
      ...['disk', 'core'],
    ],
  },
  'engine/store.ts': {
    says: 'the façade: what an open store can do',
    imports: ['facade', 'verify', 'recover', 'collect', 'inspect', 'session', 'index', 'core'],
  },
  serve: {
    says: 'a store on HTTP: the API, the registry, the status page',
    imports: ['engine/store.ts', 'core'],
  },
  'engine/api.ts': {
    says: 'the public surface of the package',
    imports: ['serve', 'engine/store.ts', 'workers/tasks', ...everyEngineRoom()],
  },
  'workers/worker.ts': {
    says: "every thread's entry point",
    imports: ['core', 'objects', ...Object.keys(ROOMS).filter((room) => room.startsWith('workers/'))],
  },
  cli: { says: 'the command line', imports: ['serve', 'engine/store.ts', 'workers/tasks', ...everyEngineRoom()] },
};

function everyEngineRoom(): string[] {
  return Object.keys(ROOMS).filter((room) => !room.startsWith('workers/'));
}
