/** The list of all commands. A command's module is loaded only when the command runs. */
import type { CommandEntry } from './command.js';

export const COMMANDS: readonly CommandEntry[] = [
  { name: 'import', summary: 'take images in', load: () => import('./commands/import.js') },
  {
    name: 'fetch',
    aliases: ['pull'],
    summary: 'fetch images from registries and web servers',
    load: () => import('./commands/fetch.js'),
  },
  { name: 'push', summary: 'push an image to a registry', load: () => import('./commands/push.js') },
  { name: 'discover', summary: 'show where images of a name are', load: () => import('./commands/discover.js') },
  { name: 'login', summary: 'keep credentials for a registry', load: () => import('./commands/login.js') },
  { name: 'logout', summary: 'forget credentials for registries', load: () => import('./commands/logout.js') },
  { name: 'ls', aliases: ['list', 'images'], summary: 'list images', load: () => import('./commands/ls.js') },
  { name: 'tag', summary: 'give an image one more name', load: () => import('./commands/tag.js') },
  { name: 'untag', summary: 'take names away', load: () => import('./commands/untag.js') },
  { name: 'inspect', summary: 'show one image, whole', load: () => import('./commands/inspect.js') },
  { name: 'history', summary: 'show how an image was made', load: () => import('./commands/history.js') },
  { name: 'cat-manifest', summary: "print an image's manifest", load: () => import('./commands/cat-manifest.js') },
  { name: 'render', summary: 'make the root file system of an image', load: () => import('./commands/render.js') },
  { name: 'checkout', summary: 'make a private tree outside the store', load: () => import('./commands/checkout.js') },
  { name: 'tree', summary: 'list, find, remove and compare trees', load: () => import('./commands/tree.js') },
  { name: 'files', summary: 'list what a render would give', load: () => import('./commands/files.js') },
  { name: 'cat', summary: 'print one file of an image', load: () => import('./commands/cat.js') },
  { name: 'cp', summary: 'copy a file or directory out of an image', load: () => import('./commands/cp.js') },
  { name: 'check', summary: 'hash everything again and compare', load: () => import('./commands/check.js') },
  { name: 'fsck', summary: 'compare the index with the disk', load: () => import('./commands/fsck.js') },
  { name: 'backup', summary: 'copy the store while it is in use', load: () => import('./commands/backup.js') },
  { name: 'rm', aliases: ['rmi'], summary: 'remove names and images', load: () => import('./commands/rm.js') },
  { name: 'pin', summary: 'keep images from being collected', load: () => import('./commands/pin.js') },
  { name: 'unpin', summary: 'take pins away', load: () => import('./commands/unpin.js') },
  { name: 'lease', summary: 'keep trees for a while', load: () => import('./commands/lease.js') },
  { name: 'gc', aliases: ['prune'], summary: 'collect what nobody needs', load: () => import('./commands/gc.js') },
  { name: 'du', summary: 'show what takes the space', load: () => import('./commands/du.js') },
  { name: 'export', summary: 'write an image to a file', load: () => import('./commands/export.js') },
  { name: 'build', summary: 'make images by hand', load: () => import('./commands/build.js') },
  { name: 'put', summary: 'store any bytes', load: () => import('./commands/put.js') },
  { name: 'get', summary: 'give stored bytes back', load: () => import('./commands/get.js') },
  { name: 'blob', summary: 'list and remove what was put', load: () => import('./commands/blob.js') },
  { name: 'trust', summary: 'say whose signatures count', load: () => import('./commands/trust.js') },
  { name: 'info', summary: 'show what this machine and this store can', load: () => import('./commands/info.js') },
  { name: 'config', summary: 'show and check the configuration', load: () => import('./commands/config.js') },
  { name: 'version', summary: 'print versions', load: () => import('./commands/version.js') },
  { name: 'completion', summary: 'print a shell completion script', load: () => import('./commands/completion.js') },
  { name: 'man', summary: 'print a manual page', load: () => import('./commands/man.js') },
];

export function findCommand(name: string): CommandEntry | undefined {
  return COMMANDS.find((entry) => entry.name === name || entry.aliases?.includes(name));
}
