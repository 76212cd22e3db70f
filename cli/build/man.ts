/** A build's step after compiling: writes the manual pages, which package.json names. */
import * as fs from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { COMMANDS } from '../commands.js';
import { defineCommand, programOf } from '../definition.js';
import { commandPage, pageName, programPage } from '../manual/page.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const DIRECTORY = join(ROOT, 'dist', 'man');

const { version } = JSON.parse(fs.readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
const program = programOf(version, false);
const commands = await Promise.all(COMMANDS.map((entry) => defineCommand(program, entry, COMMANDS)));

fs.mkdirSync(DIRECTORY, { recursive: true });
fs.writeFileSync(join(DIRECTORY, `${program.name()}.1`), programPage(program, commands));
for (const command of commands) fs.writeFileSync(join(DIRECTORY, `${pageName(command)}.1`), commandPage(command));
