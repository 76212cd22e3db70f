/** node-tar as a program: `unpack-node-tar ARCHIVE DIR`. */
import { extract } from 'tar';

const [file, cwd] = process.argv.slice(2) as [string, string];
// node-tar sets the modes of directories by mkdir alone, and the umask would change them.
process.umask(0);
// Without it node-tar takes the leading slash from the targets of links, and makes other links.
const preservePaths = true;
await extract({
  file,
  cwd,
  preservePaths,
  preserveOwner: process.geteuid?.() === 0,
  chmod: true,
  processUmask: 0,
  strict: true,
});
