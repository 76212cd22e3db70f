/** The OpenPGP library. It is loaded when it is needed first, since that takes a tenth of a second. */

export type OpenPgp = typeof import('openpgp');

let loaded: Promise<OpenPgp> | undefined;

export function loadOpenPgp(): Promise<OpenPgp> {
  loaded ??= import('openpgp');
  return loaded;
}
