/** Words that other tools have for what a command does here under another name. */

const CHECKOUT = '"cairn checkout IMAGE DIR"';
const REMOVE = '"cairn rm IMAGE"';
const RENAME = '"cairn tag OLD NEW", then "cairn untag OLD"';
const RUN = '"cairn run IMAGE -- CMD"';

/** Word → what to type here. None of the words is a command. */
export const OTHER_WORDS: ReadonlyMap<string, string> = new Map([
  ['add', '"cairn import SOURCE"'],
  ['clean', '"cairn gc"'],
  ['copy', '"cairn cp IMAGE:PATH DEST"'],
  ['create', CHECKOUT],
  ['delete', REMOVE],
  ['df', '"cairn du"'],
  ['diff', '"cairn tree diff A B"'],
  ['exec', `${RUN} runs a command in an image`],
  ['extract', CHECKOUT],
  ['image', 'commands stand by themselves, as in "cairn ls"'],
  ['load', '"cairn import SOURCE"'],
  ['log', '"cairn history IMAGE"'],
  ['mv', RENAME],
  ['ps', '"cairn pod ls"'],
  ['remove', REMOVE],
  ['rename', RENAME],
  ['repair', '"cairn fsck --repair"'],
  ['restore', 'a backup is a store: use it with --store, or copy it back with "cp -a"'],
  ['save', '"cairn export IMAGE FILE"'],
  ['scrub', '"cairn check"'],
  ['search', '"cairn ls NAME"'],
  ['show', '"cairn inspect IMAGE"'],
  ['start', `${RUN}, or of a prepared pod "cairn pod run POD"`],
  ['status', '"cairn info"'],
  ['unmount', '"cairn umount DIR"'],
  ['unpack', CHECKOUT],
  ['verify', '"cairn check"'],
]);
