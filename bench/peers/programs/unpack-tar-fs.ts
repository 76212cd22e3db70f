/** tar-fs as a program: `unpack-tar-fs ARCHIVE DIR`. tar-fs does not inflate, so the program does. */
import * as fs from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-fs';

const [file, dir] = process.argv.slice(2) as [string, string];
const magic = Buffer.alloc(2);
const fd = fs.openSync(file, 'r');
fs.readSync(fd, magic, 0, 2, 0);
const source = fs.createReadStream(file, { fd, start: 0, highWaterMark: 1 << 20 });
// Real images have links to absolute paths, which tar-fs refuses unless told not to. Its types know `strict` alone.
const options = { umask: 0, chown: process.geteuid?.() === 0, validateSymlinks: false, strict: true };
const sink = extract(dir, options);
if (magic.readUInt16BE() === 0x1f8b) await pipeline(source, createGunzip({ chunkSize: 1 << 18 }), sink);
else await pipeline(source, sink);
