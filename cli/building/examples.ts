/** An example or more of each word of building. */
import type { Command } from 'commander';
import { examples } from '../help.js';

const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  begin: ['cairn build begin ./app --from example.com/base:1.0', 'cairn build begin ./app --format oci'],
  copy: ['cairn build copy ./app.conf /etc/app.conf'],
  'copy-to-dir': ['cairn build copy-to-dir bin/* /usr/bin'],
  run: ['cairn build run -- /bin/sh -c "adduser -D app"', 'cairn build run --net host -- apk add curl'],
  end: ['cairn build end --dir ./app'],
  'set-exec': ['cairn build set-exec -- /usr/bin/app --port 80'],
  'set-entrypoint': ['cairn build set-entrypoint -- /usr/bin/app'],
  'set-cmd': ['cairn build set-cmd -- --port 80'],
  'set-user': ['cairn build set-user app'],
  'set-group': ['cairn build set-group 1000'],
  'set-name': ['cairn build set-name example.com/app'],
  'set-working-directory': ['cairn build set-working-directory /srv'],
  'set-supplementary-gids': ['cairn build set-supplementary-gids 20 44'],
  'set-event-handler': ['cairn build set-event-handler pre-start -- /usr/bin/prepare'],
  'set-stop-signal': ['cairn build set-stop-signal SIGQUIT'],
  environment: ['cairn build environment add LANG C.UTF-8', 'cairn build environment remove LANG'],
  label: ['cairn build label add version 2.0', 'cairn build label remove channel'],
  annotation: ['cairn build annotation add homepage https://example.com', 'cairn build annotation remove homepage'],
  mount: ['cairn build mount add data /var/lib/app', 'cairn build mount remove data'],
  port: ['cairn build port add http tcp 80', 'cairn build port remove http'],
  isolator: ['cairn build isolator add resource/memory ./memory.json', 'cairn build isolator remove resource/memory'],
  dependency: ['cairn build dependency add example.com/base:1.0', 'cairn build dependency remove example.com/base'],
  'replace-manifest': ['cairn build replace-manifest ./manifest.json'],
  'cat-manifest': ['cairn build cat-manifest --pretty'],
  write: ['cairn build write --name example.com/app:2.0', 'cairn build write --layer ../app.aci'],
  'from-dir': ['cairn build from-dir ./rootfs --name example.com/base:1.0'],
  convert: ['cairn build convert docker.io/library/busybox:latest --name example.com/busybox'],
};

/** Shows examples in the help of each of the words that a command groups. */
export function exampleEach(command: Command): void {
  for (const word of command.commands) examples(word, [...(EXAMPLES[word.name()] ?? [])]);
}
