/** `cairn pod`: pods, from their manifests on. Each subcommand lies in a file of its own in `cli/pod/`. */
import type { Command } from 'commander';
import { examples } from '../help.js';
import { defineBundle } from '../pod/bundle.js';
import { defineGc } from '../pod/gc.js';
import { defineLs } from '../pod/ls.js';
import { defineManifest } from '../pod/manifest.js';
import { definePrepare } from '../pod/prepare.js';
import { defineRm } from '../pod/rm.js';
import { defineRun } from '../pod/run.js';
import { defineShow } from '../pod/show.js';

export function define(command: Command): void {
  defineManifest(command.command('manifest').description('Make a pod manifest, or check one.'));
  definePrepare(command.command('prepare').description('Make everything ready that a pod needs to be run.'));
  defineRun(command.command('run').description('Prepare a pod and run it.'));
  defineBundle(command.command('bundle').description('Make bundles for an OCI runtime.'));
  defineLs(command.command('ls').description('List pods.'));
  defineShow(command.command('show').description('Show one pod, whole.'));
  defineRm(command.command('rm').description('Remove pods.'));
  defineGc(command.command('gc').description('Remove pods that have ended, or that nobody runs.'));
  examples(command, ['cairn pod manifest example.com/app > pod.json', 'cairn pod manifest --validate pod.json']);
}
