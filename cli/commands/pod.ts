/** `cairn pod`: pods, from their manifests on. Each subcommand lies in a file of its own in `cli/pod/`. */
import type { Command } from 'commander';
import { examples } from '../help.js';
import { defineManifest } from '../pod/manifest.js';

export function define(command: Command): void {
  defineManifest(command.command('manifest').description('Make a pod manifest, or check one.'));
  examples(command, ['cairn pod manifest example.com/app > pod.json', 'cairn pod manifest --validate pod.json']);
}
