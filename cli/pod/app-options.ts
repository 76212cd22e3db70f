/** The options by which people describe a pod and its apps, for commander: help, manual pages, completion. */
import { type Command, Option } from 'commander';
import type { AppOption } from '../../engine/pod/app-options.js';
import { BARE } from '../../engine/pod/app-options.js';
import { describesApps } from '../app-arguments.js';

const TEXTS: Readonly<Record<AppOption, readonly [value: string, help: string]>> = {
  name: ['name', 'what the app is called (default: the last part of the image’s name)'],
  exec: ['path', 'what runs instead of what the image says, its arguments included'],
  user: ['user', 'a name, a number, or a path whose owner is meant'],
  group: ['group', 'a name, a number, or a path whose group is meant'],
  'supplementary-gids': ['gids', 'further groups: 1024,2048'],
  'working-dir': ['path', 'where it runs'],
  'readonly-rootfs': ['bool', 'whether its root file system cannot be written'],
  environment: ['name=value', 'a variable'],
  mount: ['volume=name,target=path', 'where a volume appears; before the first image, in all apps'],
  'mnt-volume': ['name=name,kind=kind,target=path', 'a volume of this app alone, and where it appears'],
  'mount-point': ['name,path=path', 'where the volume of that name appears; ,readOnly=true'],
  isolator: ['name,key=value', 'any isolator, also NAME,WORD and NAME=JSON; before the first image, of the pod'],
  memory: ['amount', 'the most memory: 128M'],
  cpu: ['amount', 'the most processor time: 500m is half a processor'],
  'cpu-shares': ['n', 'its share of the processors'],
  'oom-score-adj': ['n', 'how soon it is killed when memory runs out'],
  'caps-retain': ['names', 'the only capabilities that it has: CAP_KILL,CAP_CHOWN'],
  'caps-remove': ['names', 'capabilities that it has not'],
  seccomp: ['filter', 'system calls: mode=retain|remove[,errno=EPERM],chmod,chown'],
  annotation: ['name=value', 'a note for programs; before the first image, of the pod'],
  'user-annotation': ['name=value', 'a note for people; before the first image, of the pod'],
  'user-label': ['name=value', 'a label; before the first image, of the pod'],
  volume: ['name,kind=kind', 'a volume of the pod: NAME,kind=host,source=PATH or NAME,kind=empty'],
  port: ['name:port', 'a port that the host offers, NAME:[IP:]PORT; or one of the app, NAME,protocol=tcp,port=80'],
  'set-env': ['name=value', 'a variable for all apps'],
};

/** Adds them all. An option belongs to the image before it. */
export function addAppOptions(command: Command): void {
  const options = Object.entries(TEXTS).map(([name, [value, help]]) => {
    const takes = BARE[name] === undefined ? `<${value}>` : `[${value}]`;
    return new Option(`--${name} ${takes}`, help);
  });
  describesApps(command, options);
}
