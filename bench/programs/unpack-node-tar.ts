/** node-tar as a program: `unpack-node-tar ARCHIVE DIR`. */
import { extract } from 'tar';

const [file, cwd] = process.argv.slice(2) as [string, string];
await extract({ file, cwd, preserveOwner: process.geteuid?.() === 0, chmod: true, processUmask: 0, strict: true });
