/** Names of apps and volumes as names of directories, which are shorter. */
import { hash } from 'node:crypto';

const LONGEST = 200;
const DIGITS = 32;

/** @param name an AC Name, which has no dots, so that a shortened one is never another one's */
export function directoryName(name: string): string {
  return name.length <= LONGEST ? name : `${name.slice(0, LONGEST)}.${hash('sha256', name).slice(0, DIGITS)}`;
}
