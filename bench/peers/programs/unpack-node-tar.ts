/** node-tar as a program: `unpack-node-tar ARCHIVE DIR`. */
import { extract } from 'tar';

const [file, cwd] = process.argv.slice(2) as [string, string];
// It leaves the modes of directories to mkdir, which the umask changes.
process.umask(0);
// It would take the leading slash from the targets of links, and make other links.
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
