/** Options of commands that fetch their image, and whether an argument may bring one into the store. */
import { type Command, Option } from 'commander';
import { defined } from '../engine/core/defined.js';
import { type FindOptions, type Insecure, PULL_POLICIES, type PullPolicy } from '../engine/core/finding.js';
import { hasScheme } from '../engine/resolve/guess-argument.js';
import { isSource } from '../engine/resolve/source-path.js';
import { insecureOption } from './insecure.js';

/** What is given on the command line. */
export interface PullFlags {
  pull: PullPolicy;
  platform?: string;
  authfile?: string;
  insecureOptions?: Insecure[];
}

/** Adds all options that say how an image is fetched. */
export function addPullOptions(command: Command): Command {
  return command
    .addOption(new Option('--pull <policy>', 'when to fetch the image').choices([...PULL_POLICIES]).default('missing'))
    .addOption(platformOption())
    .addOption(authfileOption())
    .addOption(insecureOption());
}

export function platformOption(): Option {
  return new Option('--platform <os/arch>', 'the platform it must be for (default: of an index, that of this machine)');
}

export function authfileOption(): Option {
  const text = 'credentials of registries (default: $REGISTRY_AUTH_FILE, else those of podman and Docker)';
  return new Option('--authfile <file>', text);
}

export function findOptions({ pull, platform, authfile, insecureOptions: insecure }: PullFlags): FindOptions {
  return defined({ pull, platform, authfile, insecure });
}

/** Whether arguments may bring an image in, as they say by themselves, or from a remote. For that a store is made. */
export function bringsImage(command: Command, ...args: string[]): boolean {
  const { remote } = command.optsWithGlobals<{ remote?: string }>();
  return remote !== undefined || args.some((argument) => isSource(argument) || hasScheme(argument));
}
