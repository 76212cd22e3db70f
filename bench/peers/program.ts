/** The peers that this project brings itself: small programs, since every contestant is a process of its own. */
import { fileURLToPath } from 'node:url';

/** @param name of a file in `programs/`, without its ending */
export function program(name: string): string {
  return fileURLToPath(new URL(`./programs/${name}.js`, import.meta.url));
}
