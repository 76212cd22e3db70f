/**
 * The names of objects in a home of packs: `<sha512>.p`. An object is a content alone; mode, owner, time and extended
 * attributes are the business of trees.
 */
const NAME = /^[0-9a-f]{128}\.p$/;

export function packedName(sha512: string): string {
  return `${sha512}.p`;
}

export function isPackedName(text: string): boolean {
  return NAME.test(text);
}

/** The hash in a name, 128 hex digits. */
export function hashInName(name: string): string {
  return name.slice(0, -2);
}
