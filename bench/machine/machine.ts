/** The machine that was measured on, and the versions of the programs: times mean nothing without them. */
import * as fs from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { basename, resolve, sep } from 'node:path';
import { cairnAlone, THIS_BUILD } from '../measure/cairn.js';
import { run } from '../measure/process.js';
import { isInstalled, packageVersion } from './installed.js';

export interface Machine {
  processor: string;
  cores: number;
  memoryBytes: number;
  system: string;
  kernel: string;
  /** Type, device and options of the file system that holds the stores and trees. */
  fileSystem: string;
  versions: Record<string, string>;
}

const PROGRAMS = [
  ...['tar', 'bsdtar', 'gzip', 'pigz', 'cp', 'umoci', 'skopeo', 'ostree', 'sha512sum', 'cc'],
  ...['docker-registry', 'curl'],
];
/** The package that each contestant of Node's uses, by the contestant's name. */
const PACKAGES: Readonly<Record<string, string>> = { 'node-tar': 'tar', 'tar-fs': 'tar-fs' };

export async function describeMachine(dir: string): Promise<Machine> {
  const versions: Record<string, string> = {
    cairn: firstLine(await run(cairnAlone(THIS_BUILD, '--version'))),
    node: process.versions.node,
    zlib: process.versions.zlib,
  };
  for (const program of PROGRAMS) {
    if (isInstalled(program)) versions[program] = versionIn(await run([program, '--version']).catch(() => 'unknown'));
  }
  for (const [name, dependency] of Object.entries(PACKAGES)) {
    const version = packageVersion(dependency);
    if (version !== undefined) versions[name] = version;
  }
  return {
    processor: cpus()[0]?.model.trim() || process.arch,
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    system: systemName(),
    kernel: release(),
    fileSystem: fileSystemOf(dir),
    versions,
  };
}

function systemName(): string {
  try {
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(fs.readFileSync('/etc/os-release', 'utf8'))?.[1] ?? process.platform;
  } catch {
    return process.platform;
  }
}

/** The line that says `Version:`, as ostree prints it; else the first line. */
function versionIn(text: string): string {
  return /^ *Version: *'?([^'\n]*)/m.exec(text)?.[1] ?? firstLine(text);
}

function firstLine(text: string): string {
  return text.split('\n')[0]?.trim() ?? '';
}

/** The mount that holds a directory, as `ext4 on /dev/loop0 (rw,relatime), direct I/O`. */
function fileSystemOf(dir: string): string {
  const path = resolve(fs.realpathSync(dir));
  let best = { target: '', text: 'unknown' };
  for (const line of fs.readFileSync('/proc/self/mounts', 'utf8').split('\n')) {
    const [source = '', target = '', type, options] = line.split(' ').map(unescapeOctal);
    const within = target === sep || path === target || path.startsWith(`${target}${sep}`);
    // A later mount on the same place hides the earlier one.
    if (!within || target.length < best.target.length) continue;
    best = { target, text: `${type} on ${source} (${options})${loopDetail(source)}` };
  }
  return best.text;
}

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_all, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

function loopDetail(source: string): string {
  if (!/^\/dev\/loop[0-9]+$/.test(source)) return '';
  try {
    const direct = fs.readFileSync(`/sys/block/${basename(source)}/loop/dio`, 'utf8').trim() === '1';
    return direct ? ', direct I/O' : ', through the page cache';
  } catch {
    return '';
  }
}
