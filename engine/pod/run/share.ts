/** Several apps of a pod share namespaces: a process that only waits makes them, and the apps join. */
import * as fs from 'node:fs';
import { basename } from 'node:path';
import { configIn, namespacesIn, rootfsIn } from '../../disk/layout.js';
import type { RuntimeConfig, RuntimeNamespace } from '../../image/runtime/config.js';
import { namespaceFile } from '../../image/runtime/write-config.js';
import { type Bundle, linkNamespaces } from '../bundle/index.js';
import { type RunContext, startDetached } from './container.js';
import { pauseProgram } from './pause.js';

/**
 * Makes the namespaces that the first app would make, and has all apps and event handlers join them.
 * @param id of the container that holds them
 * @returns false, having done nothing, where there is no program for this machine: then the first app makes them
 */
export async function shareNamespaces(context: RunContext, id: string, bundles: readonly Bundle[]): Promise<boolean> {
  const program = pauseProgram();
  const [first] = bundles;
  if (program === undefined || first === undefined) return false;
  const { places, runtime } = context;
  const like = readConfig(first.dir);
  makePauseBundle(places.pause, program, like);
  const pid = await startDetached(context, {
    ...{ id, label: 'pause', title: 'the namespaces of the pod', bundle: places.pause },
  });
  linkNamespaces(places.bundles, pid);
  const isRunc = basename(runtime.path) === 'runc';
  for (const dir of bundles.flatMap(({ dir, preStart, postStop }) => [dir, preStart, postStop])) {
    if (dir === undefined) continue;
    const config = joined(readConfig(dir), places.bundles);
    writeConfig(dir, isRunc ? mapped(config, like) : config);
  }
  return true;
}

/** Up to version 1.1, runc wants to be told how ids are mapped in a namespace that exists. */
function mapped(config: RuntimeConfig, { linux }: RuntimeConfig): RuntimeConfig {
  const { uidMappings, gidMappings } = linux;
  if (uidMappings === undefined || gidMappings === undefined) return config;
  return { ...config, linux: { ...config.linux, uidMappings, gidMappings } };
}

function makePauseBundle(bundle: string, program: Buffer, like: RuntimeConfig): void {
  const rootfs = rootfsIn(bundle);
  for (const dir of [rootfs, `${rootfs}/proc`, `${rootfs}/dev`]) fs.mkdirSync(dir, { recursive: true, mode: 0o755 });
  fs.writeFileSync(`${rootfs}/pause`, program, { mode: 0o755 });
  writeConfig(bundle, pauseConfig(like));
}

/** It may do nothing but wait. */
function pauseConfig({ ociVersion, hostname, linux }: RuntimeConfig): RuntimeConfig {
  const { namespaces, uidMappings, gidMappings, sysctl } = linux;
  return {
    ociVersion,
    root: { path: 'rootfs', readonly: true },
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: ['/pause'],
      env: [],
      cwd: '/',
      capabilities: { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] },
      noNewPrivileges: true,
    },
    ...(hostname === undefined ? {} : { hostname }),
    mounts: [{ destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] }],
    annotations: {},
    linux: {
      namespaces,
      ...(uidMappings === undefined ? {} : { uidMappings }),
      ...(gidMappings === undefined ? {} : { gidMappings }),
      ...(sysctl === undefined ? {} : { sysctl }),
      maskedPaths: [],
      readonlyPaths: [],
    },
  };
}

/** What belongs to the namespaces is set where they are made. */
function joined(config: RuntimeConfig, bundles: string): RuntimeConfig {
  const { hostname: _hostname, linux, ...rest } = config;
  const { uidMappings: _uids, gidMappings: _gids, sysctl: _sysctl, ...others } = linux;
  const namespaces = linux.namespaces.map(
    (each): RuntimeNamespace =>
      each.type === 'mount' ? each : { ...each, path: `${namespacesIn(bundles)}/${namespaceFile(each.type)}` },
  );
  return { ...rest, linux: { ...others, namespaces } };
}

function readConfig(bundle: string): RuntimeConfig {
  return JSON.parse(fs.readFileSync(configIn(bundle), 'utf8')) as RuntimeConfig;
}

function writeConfig(bundle: string, config: RuntimeConfig): void {
  fs.writeFileSync(configIn(bundle), `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o600 });
}
