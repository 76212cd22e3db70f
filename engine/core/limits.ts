/**
 * Every cap on what an input may ask of us, with its default and its reason.
 * Each cap has a flag of the same name on the command line (`maxEntries` → `--max-entries`).
 */
export interface Limits {
  /** Entries of one layer. The largest real layers hold some 400 000. */
  maxEntries: number;
  /** Uncompressed bytes of one layer. */
  maxBytes: number;
  /** Uncompressed bytes per compressed byte, past the first 256 MiB. Real images stay below 100. */
  maxRatio: number;
  /** Bytes of a path; Linux' own PATH_MAX. */
  maxPath: number;
  /** Components of a path. */
  maxDepth: number;
  /** Bytes of one pax header or GNU long name. */
  maxPax: number;
  /** Bytes of names, link targets and extended attributes of one layer. Unlike content, all are held in memory. */
  maxMetadata: number;
  /** Compressed bytes of one layer past twice its uncompressed bytes, such as empty members and padding. */
  maxOverhead: number;
  /** Places in the dependency tree of one image, so that stacked diamonds cannot grow to 2^n. */
  maxDependencies: number;
  /** Layers of one OCI image. */
  maxLayers: number;
  /** Bytes of an image manifest, and of the other documents of an OCI image. */
  maxManifest: number;
}

export const DEFAULT_LIMITS: Readonly<Limits> = {
  maxEntries: 2_000_000,
  maxBytes: 64 * 2 ** 30,
  maxRatio: 1000,
  maxPath: 4096,
  maxDepth: 256,
  maxPax: 2 ** 20,
  maxMetadata: 128 * 2 ** 20,
  maxOverhead: 16 * 2 ** 20,
  maxDependencies: 1024,
  maxLayers: 500,
  maxManifest: 4 * 2 ** 20,
};

/** Fixed by the kernel or by the formats; no flag moves them. */
export const MAX_COMPONENT = 255;
export const MAX_SYMLINK_TARGET = 4095;
/** Bytes of a path that a system call takes (`PATH_MAX` without its NUL). Links can lead to places that are deeper. */
export const MAX_PATH = 4095;
/** The highest uid or gid. The next number means none. */
export const MAX_ID = 0xffff_fffe;
export const MAX_XATTR_NAME = 255;
export const MAX_XATTR_VALUE = 65_536;
/** The highest device number, major or minor: each is kept in 32 bits. The kernel takes fewer. */
export const MAX_DEVICE = 0xffff_ffff;
/** Meta headers (pax, GNU long names) that may precede one entry. */
export const MAX_META_HEADERS = 4;
/** Nesting of a JSON document. */
export const MAX_JSON_DEPTH = 64;
/**
 * Bytes of the largest document for each object or list that one may have. A million empty objects fit into 3 MB, and
 * keep a processor busy for seconds. Those of real documents have more bytes than these.
 */
export const BYTES_PER_JSON_OBJECT = 16;
/**
 * Descriptors of one index or manifest, and steps of one history. The largest document by default has room for no more
 * that are whole.
 */
export const MAX_DESCRIPTORS = 32_768;
/** Symbolic links that one lookup may pass (as many as Linux allows). */
export const MAX_SYMLINK_HOPS = 40;
/**
 * Components of symlink targets that planning an OCI image may follow, for all entries together. Forty targets of 4095
 * bytes have 80 000 components, to be followed for each entry below them. Entries of real layers lie behind hardly any
 * links.
 */
export const MAX_SYMLINK_STEPS = 2 ** 24;
/**
 * Directories of one tree that no entry declares, but that something lies in. A header of 512 bytes can ask for a
 * hundred such directories. Real layers declare theirs.
 */
export const MAX_UNDECLARED_DIRECTORIES = 2 ** 20;
/**
 * Bytes of a column of a table of contents that is compressed there. The rows of two million entries, as many as a
 * layer may have by default, have 62 MB. A few bytes can unpack to no more than this. A longer column stands as it is.
 */
export const MAX_PACKED_COLUMN = 64 * 2 ** 20;
/** Bytes that an extended attribute adds to a layer's metadata besides its name and value: holding it takes as many. */
export const XATTR_OVERHEAD = 128;

/**
 * Bytes of an AC Identifier, as all names in a manifest are, and of a label's value. Both serve as keys, and as cells
 * of lists. As many as a path may have.
 */
export const MAX_AC_IDENTIFIER = 4096;
/** Characters of an OCI reference's name, its domain included: as many as registries accept. */
export const MAX_REFERENCE_NAME = 255;
/** Labels of an image or of one dependency, and annotations of an image. Real images have a dozen. */
export const MAX_LABELS = 1000;
/**
 * Dependencies that one manifest lists. Operations on all images look up each of them. Ten times as many as renders
 * take by default.
 */
export const MAX_LISTED_DEPENDENCIES = 10_000;
/** Apps of a pod. Each becomes a process with a root file system of its own. Real pods have a handful. */
export const MAX_POD_APPS = 1000;
/** Volumes of a pod, mounts of one app, and ports of a pod. A thousand apps could mount each of a thousand volumes. */
export const MAX_POD_LIST = 1000;
/** Parts of one document that a conversion says it has left out. A document of strangers can have a million. */
export const MAX_NOTICES = 1000;

/** Bytes of the record of a prepared pod, which has some 400 for each app of a manifest, and the app's name. */
export const MAX_POD_RECORD = 32 * 2 ** 20;

/** Bytes of an xz stream's dictionary, which its decoder holds. "xz -9" uses as many. */
export const MAX_XZ_DICTIONARY = 64 * 2 ** 20;
/** Bytes of a zstd frame's window, which its decoder holds. The zstd program draws the same line. */
export const MAX_ZSTD_WINDOW = 128 * 2 ** 20;
/**
 * Bytes that the windows of a layer's zstd frames may have together: so many free, and so many more for each byte that
 * came out. Clearing a window takes time. Frames of up to eight blocks do not count, since their windows are cut to
 * their content.
 */
export const FREE_ZSTD_WINDOWS = 2 ** 30;
export const ZSTD_WINDOWS_PER_BYTE = 256;

/**
 * Bytes that a layer may unpack to, whatever its size. So much of zeros is an honest log or disk image, and costs a
 * second.
 */
export const FREE_OUTPUT = 256 * 2 ** 20;

/** Parts of a sparse file, and the bytes that holding one takes. */
export const MAX_SPARSE_PARTS = 2 ** 20;
export const SPARSE_PART_OVERHEAD = 32;

/** Levels of OCI indexes within indexes. Real images have one. */
export const MAX_NESTED_INDEXES = 4;

/**
 * Bytes of a file with public keys. A key with all the signatures of strangers that a key server adds has some hundred
 * thousand.
 */
export const MAX_KEY_FILE = 2 * 2 ** 20;
/** Keys of one file. More are no list that anybody compares before trusting them. */
export const MAX_KEYS = 100;
/** Names, subkeys and own signatures of one key. Verifying one takes milliseconds; real keys have some dozens. */
export const MAX_KEY_PARTS = 500;
/** Bytes of a file with detached signatures, and such signatures. One has some hundred bytes. */
export const MAX_SIGNATURE_FILE = 64 * 2 ** 10;
export const MAX_SIGNATURES = 16;
/** Bytes of a file with a public key for signatures of OCI images, and of what such a signature signs. */
export const MAX_PEM_FILE = 64 * 2 ** 10;
export const MAX_SIGNED_PAYLOAD = 64 * 2 ** 10;
/** Signatures of one OCI image. Images that are signed anew each night have hundreds. */
export const MAX_IMAGE_SIGNATURES = 1000;

/** Pages of what refers to one manifest: a registry could go on without an end. */
export const MAX_REFERRER_PAGES = 100;
/** Redirects that one request follows. Browsers follow twenty, and real servers need two or three. */
export const MAX_REDIRECTS = 10;
/** Bytes of the text of a server's error that are read. */
export const MAX_ERROR_TEXT = 8192;
/** Bytes of a page that discovery reads. What it looks for stands in the page's head. */
export const MAX_DISCOVERY_PAGE = 2 ** 20;
/** Places of one image that are asked for it: a page could name thousands that do not answer. */
export const MAX_PLACES = 16;
/** Bytes of a token server's answer. Tokens have some thousand. */
export const MAX_TOKEN_ANSWER = 2 ** 20;
/** Bytes of a file with settings or credentials, and of what a credential helper says. Real ones have some thousand. */
export const MAX_CONFIG_FILE = 2 ** 20;

/** Bytes of `/etc/passwd` and of `/etc/group` of an image. A hundred thousand users have so many. */
export const MAX_USER_FILE = 8 * 2 ** 20;
/** Bytes of what a build notes of its base. A path takes some 300, and an image has as many as layers have entries. */
export const MAX_BUILD_BASE = 2 ** 30;
/** Bytes of what a build notes of itself, its history included. */
export const MAX_BUILD_STATE = 4 * 2 ** 20;
/** Bytes of the note of places that a command in a tree has needed. */
export const MAX_TREE_PLACES = 64 * 2 ** 10;

/** Names that one error lists. */
export const MAX_CANDIDATES = 10;

/** The flag that raises a limit. */
export function limitFlag(name: keyof Limits): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
