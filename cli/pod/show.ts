/** `cairn pod show`: shows one pod, whole. */
import type { Command } from 'commander';
import { printable } from '../../engine/core/printable.js';
import type { PodDetails, ShownApp } from '../../engine/pod/show.js';
import { examples } from '../help.js';
import { withStore } from '../session.js';
import { shortKey } from '../table.js';

interface Options {
  manifest?: boolean;
}

export function defineShow(command: Command): void {
  command
    .argument('<pod>', 'its UUID, or the beginning of that')
    .option('--manifest', "print the exact bytes of the pod's manifest")
    .action((pod: string, _options: Options, self: Command) =>
      withStore<Options>(self, 'look', async ({ store, options, print, write }) => {
        if (options.manifest === true) await write(await store.catPodManifest(pod));
        else print(await store.showPod(pod), inWords);
        return undefined;
      }),
    );
  examples(command, ['cairn pod show 7d0f', 'cairn pod show --manifest 7d0f | jq .apps']);
}

function inWords(pod: PodDetails): string {
  const lines: [string, string | undefined][] = [
    ['pod', pod.pod],
    ['state', pod.damaged === undefined ? pod.state : `${pod.state}: ${pod.damaged}`],
    ['directory', pod.dir],
    ['created', pod.createdAt],
    ['started', pod.startedAt],
    ['exited', pod.exitedAt],
    ['marked by gc', pod.gcMarkedAt],
    ['pid', pod.pid < 0 ? undefined : `${pod.pid}`],
    ['cgroup', pod.cgroup === '' ? undefined : pod.cgroup],
    ['networks', pod.networks.length === 0 ? undefined : pod.networks.join(', ')],
    ...pod.annotations.map(({ name, value }): [string, string] => ['annotation', `${name}: ${value}`]),
    ...pod.apps.flatMap(appInWords),
  ];
  return lines.flatMap(([name, value]) => (value === undefined ? [] : `${name}: ${printable(value)}\n`)).join('');
}

function appInWords(app: ShownApp): [string, string][] {
  const code = app.exitCode === undefined ? '' : `, exit code ${app.exitCode}`;
  return [
    ['app', `${app.name}: ${app.imageName} (${shortKey(app.image)}), ${app.state}${code}`],
    ...app.annotations.map(({ name, value }): [string, string] => ['  annotation', `${name}: ${value}`]),
  ];
}
