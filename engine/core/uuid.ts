/** Ids that are made at random: of pods, of leases. */

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Whether a text is a whole UUID in lower case. Nothing else becomes part of a path. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}
