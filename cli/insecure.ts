/** The option that leaves checks out. */
import { InvalidArgumentError, Option } from 'commander';
import { INSECURE, type Insecure } from '../engine/core/finding.js';

/** @param names of the checks that the command can leave out */
export function insecureOption(names: readonly Insecure[] = INSECURE): Option {
  return new Option('--insecure-options <list>', `checks to leave out: ${names.join(', ')}`).argParser(
    (text: string) => {
      const list = text.split(',');
      for (const each of list) {
        if (!names.includes(each as Insecure))
          throw new InvalidArgumentError(`"${each}" is none of ${names.join(', ')}.`);
      }
      return list as Insecure[];
    },
  );
}
