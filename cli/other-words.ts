/** Words that other tools have for what a command does here under another name. */

const CHECKOUT = '"cairn checkout IMAGE DIR"';
const REMOVE = '"cairn rm IMAGE"';
const RENAME = '"cairn tag OLD NEW", then "cairn untag OLD"';
const RUNS_NOTHING = `cairn runs nothing: ${CHECKOUT} gives others a root file system to run`;

/** Word → what to type here. None of the words is a command. */
export const OTHER_WORDS: ReadonlyMap<string, string> = new Map([
  ['add', '"cairn import SOURCE"'],
  ['clean', '"cairn gc"'],
  ['copy', '"cairn cp IMAGE:PATH DEST"'],
  ['create', CHECKOUT],
  ['delete', REMOVE],
  ['df', '"cairn du"'],
  ['diff', '"cairn tree diff A B"'],
  ['exec', RUNS_NOTHING],
  ['extract', CHECKOUT],
  ['image', 'commands stand by themselves, as in "cairn ls"'],
  ['init', '"cairn import SOURCE" makes the store'],
  ['load', '"cairn import SOURCE"'],
  ['log', '"cairn history IMAGE"'],
  ['mount', '"cairn render IMAGE" makes a tree of plain files'],
  ['mv', RENAME],
  ['remove', REMOVE],
  ['rename', RENAME],
  ['repair', '"cairn fsck --repair"'],
  ['restore', 'a backup is a store: use it with --store, or copy it back with "cp -a"'],
  ['run', RUNS_NOTHING],
  ['save', '"cairn export IMAGE FILE"'],
  ['scrub', '"cairn check"'],
  ['search', '"cairn ls NAME"'],
  ['show', '"cairn inspect IMAGE"'],
  ['start', RUNS_NOTHING],
  ['status', '"cairn info"'],
  ['umount', '"cairn tree rm IMAGE" removes a tree'],
  ['unpack', CHECKOUT],
  ['verify', '"cairn check"'],
]);
