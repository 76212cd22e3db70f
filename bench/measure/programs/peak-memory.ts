/**
 * `peak-memory FILE PROGRAM ARGUMENT…` runs a program and writes the most memory that it, or a process that it waited
 * for, has had, in bytes. A process of its own does this, as the kernel tells it of all children together.
 */
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { peakOfEndedChildren } from '../rusage.js';

const [file, program, ...args] = process.argv.slice(2) as [string, string, ...string[]];
const { status, error } = spawnSync(program, args, { stdio: 'inherit' });
if (error !== undefined) throw error;
fs.writeFileSync(file, `${peakOfEndedChildren() ?? ''}`);
process.exitCode = status ?? 1;
