/**
 * Options that no file can give, since they are for one time: those that name what a single command is about, and those
 * that decide something each time anew. A file that has one is a mistake, or a trap for whoever forgets about it.
 */
const ABOUT = 'it names what one command is about';
const DECIDES = 'it is decided each time anew';

/** Options of images, which belong to the image before them on one command line. */
const OF_IMAGES = [
  ...['exec', 'user', 'group', 'supplementary-gids', 'working-dir', 'readonly-rootfs', 'environment', 'set-env'],
  ...['volume', 'mount', 'mnt-volume', 'mount-point', 'port', 'annotation', 'user-annotation', 'user-label'],
  ...['isolator', 'memory', 'cpu', 'cpu-shares', 'oom-score-adj', 'caps-retain', 'caps-remove', 'seccomp'],
];

const ONCE: Readonly<Record<string, string>> = {
  ...Object.fromEntries(OF_IMAGES.map((name) => [name, ABOUT])),
  config: 'files name no other files',
  name: ABOUT,
  type: ABOUT,
  expect: ABOUT,
  'files-from': ABOUT,
  dir: ABOUT,
  from: ABOUT,
  file: ABOUT,
  label: ABOUT,
  size: ABOUT,
  count: ABOUT,
  'image-id': ABOUT,
  'socket-activated': ABOUT,
  'created-by': ABOUT,
  comment: ABOUT,
  'diff-from': ABOUT,
  prefix: ABOUT,
  root: ABOUT,
  signature: ABOUT,
  validate: ABOUT,
  hostname: ABOUT,
  'from-oci': ABOUT,
  force: DECIDES,
  all: DECIDES,
  yes: DECIDES,
  'insecure-options': DECIDES,
  rm: DECIDES,
  keep: DECIDES,
  'mark-only': DECIDES,
  layout: DECIDES,
  manifest: DECIDES,
  'dry-run': DECIDES,
  rebuild: DECIDES,
  repair: DECIDES,
  'rebuild-index': DECIDES,
  help: DECIDES,
  version: DECIDES,
};

/** Why no file can give this option; undefined for one that a file can give. */
export function whyOnce(key: string): string | undefined {
  return Object.hasOwn(ONCE, key) ? ONCE[key] : undefined;
}
