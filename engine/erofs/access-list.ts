/**
 * Access control lists, in the form of their extended attributes. The kernel refuses to set a list that breaks its
 * rules, and changes what it takes; an image must hold what a file would have after that.
 */

const VERSION = 2;
const HEADER = 4;
const ENTRY = 8;
const [USER_OBJ, USER, GROUP_OBJ, GROUP, MASK, OTHER] = [1, 2, 4, 8, 16, 32];
const NO_ID = 0xffff_ffff;

interface Rule {
  tag: number;
  rights: number;
  id: number;
}

/**
 * The list that a file has after its mode was set.
 * @returns `undefined` for a list that the kernel refuses, no bytes for a list that says no more than the mode
 */
export function accessList(value: Uint8Array, mode: number): Buffer | undefined {
  const rules = parse(value);
  if (rules === undefined) return undefined;
  if (!rules.some(({ tag }) => tag === USER || tag === GROUP || tag === MASK)) return Buffer.alloc(0);
  // A list with more than the mode's three lines has a mask, which is what the mode's group bits mean then.
  const rights = new Map([
    [USER_OBJ, (mode >> 6) & 7],
    [MASK, (mode >> 3) & 7],
    [OTHER, mode & 7],
  ]);
  return format(rules.map((rule) => ({ ...rule, rights: rights.get(rule.tag) ?? rule.rights })));
}

/** The list that a directory hands down, as {@link accessList}. */
export function defaultList(value: Uint8Array): Buffer | undefined {
  const rules = parse(value);
  if (rules === undefined) return undefined;
  return rules.length === 0 ? Buffer.alloc(0) : format(rules);
}

/** @returns `undefined` for what is no list */
function parse(value: Uint8Array): Rule[] | undefined {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
  if (bytes.length < HEADER || (bytes.length - HEADER) % ENTRY !== 0) return undefined;
  if (bytes.readUInt32LE(0) !== VERSION) return undefined;
  const rules: Rule[] = [];
  for (let at = HEADER; at < bytes.length; at += ENTRY) {
    rules.push({ tag: bytes.readUInt16LE(at), rights: bytes.readUInt16LE(at + 2), id: bytes.readUInt32LE(at + 4) });
  }
  return rules.length === 0 || isValid(rules) ? rules : undefined;
}

/** Owner, users, group, groups, mask and others come in this order; with users or groups there must be a mask. */
function isValid(rules: readonly Rule[]): boolean {
  const sound = rules.every(({ tag, rights, id }) => rights <= 7 && ((tag !== USER && tag !== GROUP) || id !== NO_ID));
  return sound && /^o(?:gm?|u*gG*m)e$/.test(rules.map(({ tag }) => LETTERS.get(tag) ?? '?').join(''));
}

const LETTERS = new Map([
  [USER_OBJ, 'o'],
  [USER, 'u'],
  [GROUP_OBJ, 'g'],
  [GROUP, 'G'],
  [MASK, 'm'],
  [OTHER, 'e'],
]);

function format(rules: readonly Rule[]): Buffer {
  const bytes = Buffer.alloc(HEADER + rules.length * ENTRY);
  bytes.writeUInt32LE(VERSION, 0);
  rules.forEach(({ tag, rights, id }, i) => {
    const at = HEADER + i * ENTRY;
    bytes.writeUInt16LE(tag, at);
    bytes.writeUInt16LE(rights, at + 2);
    bytes.writeUInt32LE(tag === USER || tag === GROUP ? id : NO_ID, at + 4);
  });
  return bytes;
}
