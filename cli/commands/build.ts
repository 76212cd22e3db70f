/** `cairn build`: makes images by hand, in acbuild's words. */
import type { Command } from 'commander';
import { defineEdits } from '../building/edits.js';
import { exampleEach } from '../building/examples.js';
import { defineImages } from '../building/images.js';
import { defineTree } from '../building/tree.js';
import { examples } from '../help.js';

export function define(command: Command): void {
  defineTree(command);
  defineEdits(command);
  defineImages(command);
  exampleEach(command);
  examples(command, [
    'cairn build begin ./app --from example.com/base:1.0',
    'cd app && cairn build copy-to-dir ~/src/bin/* /usr/bin',
    'cairn build set-exec -- /usr/bin/app --port 80',
    'cairn build port add http tcp 80',
    'cairn build write --name example.com/app:2.0',
    'cairn build write --layer ../app.aci',
    'cairn build from-dir ./rootfs --name example.com/base:1.0',
    'cairn build convert docker.io/library/busybox:latest --name example.com/busybox',
  ]);
}
