/**
 * The OCI runtime that runs apps: crun or runc, or any that takes the same arguments.
 *
 * Two peculiarities of machines are met here. Where nobody may write to the cgroup file systems, crun goes without. And
 * crun (1.8 at least) refuses machines that have cgroups of version 1, and besides them a tree of version 2 with
 * controllers of its own ("cgroups in hybrid mode not supported"), even if it is told to use none. There it is started
 * in a mount namespace of its own, in which that tree has no controllers. Only root can do that: others get runc there,
 * if there is one.
 */
import * as fs from 'node:fs';
import { basename, delimiter, isAbsolute, join, resolve } from 'node:path';
import { CairnError } from '../../core/errors.js';

export interface OciRuntime {
  /** Absolute. */
  path: string;
  /** Arguments that come before all others. */
  options: readonly string[];
  /** An empty file goes over this one, for the runtime alone. */
  hidden?: string;
}

const KNOWN = ['crun', 'runc'];

/**
 * @param wanted a path, or a name to look for; by default the first of crun and runc that is there
 * @throws CairnError `ERR_RUNTIME` if there is none
 */
export function findRuntime(wanted?: string): OciRuntime {
  const names = wanted === undefined ? KNOWN : [wanted];
  const found = names.map(locate).filter((path) => path !== undefined);
  const best = found.find((path) => !isRefused(path)) ?? found[0];
  if (best !== undefined) return { path: best, ...peculiaritiesOf(basename(best)) };
  const message =
    wanted === undefined
      ? 'no OCI runtime is here: install crun or runc, or name one with --runtime'
      : `no such OCI runtime: ${wanted}`;
  throw new CairnError('ERR_RUNTIME', message, wanted === undefined ? {} : { path: wanted });
}

/**
 * A runtime that a pod ran under, if it is one that would be found today: nobody who writes a file into a store has us
 * run what that names.
 */
export function runtimeAt(path: string): OciRuntime | undefined {
  const name = KNOWN.find((each) => locate(each) === path);
  return name === undefined ? undefined : { path, ...peculiaritiesOf(name) };
}

function locate(name: string): string | undefined {
  if (name.includes('/')) return isProgram(name) ? resolve(name) : undefined;
  const directories = (process.env['PATH'] ?? '').split(delimiter).filter(isAbsolute);
  return directories.map((dir) => join(dir, name)).find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    fs.accessSync(path, fs.constants.X_OK);
    return fs.statSync(path).isFile();
  } catch {
    return false;
  }
}

export const WITHOUT_CGROUPS = '--cgroup-manager=disabled';

const CGROUPS = '/sys/fs/cgroup';
const UNIFIED = '/sys/fs/cgroup/unified/cgroup.controllers';

function peculiaritiesOf(name: string): Pick<OciRuntime, 'options' | 'hidden'> {
  if (name !== 'crun') return { options: [] };
  return {
    options: mayWrite(CGROUPS) ? [] : [WITHOUT_CGROUPS],
    ...(process.geteuid?.() === 0 && isFilled(UNIFIED) ? { hidden: UNIFIED } : {}),
  };
}

function isRefused(path: string): boolean {
  return basename(path) === 'crun' && process.geteuid?.() !== 0 && isFilled(UNIFIED);
}

function mayWrite(dir: string): boolean {
  try {
    fs.accessSync(dir, fs.constants.W_OK);
    return fs.readdirSync(dir).length > 0;
  } catch {
    return false;
  }
}

function isFilled(path: string): boolean {
  try {
    return fs.readFileSync(path, 'latin1').trim() !== '';
  } catch {
    return false;
  }
}

/** A program and its arguments. */
export type CommandLine = [file: string, args: string[]];

const HIDING = 'mount --bind /dev/null "$1" && shift && exec "$@"';

/** How the runtime is started with these arguments. */
export function commandOf({ path, options, hidden }: OciRuntime, args: readonly string[]): CommandLine {
  const own = [...options, ...args];
  if (hidden === undefined) return [path, own];
  return ['unshare', ['--mount', '--propagation', 'slave', 'sh', '-c', HIDING, 'sh', hidden, path, ...own]];
}

/** Variables by which a service manager hands sockets on. The runtime would hand them to the app. */
const NOT_HANDED_ON = ['LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES', 'NOTIFY_SOCKET'];

/** The environment of the runtime itself. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !NOT_HANDED_ON.includes(name)));
}
