/**
 * The size of an app's terminal, which is to be that of ours. The runtime makes the app's, copies what passes between
 * the two, and makes ours raw and back again. But crun (1.8 at least) leaves the size alone.
 */
import { spawn } from 'node:child_process';
import * as fs from 'node:fs';
import { configIn } from '../../disk/layout.js';
import type { RuntimeConfig } from '../../image/runtime/config.js';

/** Has an app's terminal be as large as ours from the beginning. @param bundle of the app */
export function sizeTerminal(bundle: string): void {
  const size = ownSize();
  if (size === undefined) return;
  const config = JSON.parse(fs.readFileSync(configIn(bundle), 'utf8')) as RuntimeConfig;
  const process = { ...config.process, consoleSize: { width: size.columns, height: size.rows } };
  fs.writeFileSync(configIn(bundle), `${JSON.stringify({ ...config, process }, undefined, 2)}\n`, { mode: 0o600 });
}

/** Gives an app's terminal the size of ours. @param pidFile with the number of the app's first process */
export function resizeTerminal(pidFile: string): void {
  const size = ownSize();
  if (size === undefined) return;
  let pid: number;
  try {
    pid = Number(fs.readFileSync(pidFile, 'latin1'));
  } catch {
    return; // it is yet to be started, or just gone
  }
  const terminal = `/proc/${pid}/fd/0`;
  spawn('stty', ['-F', terminal, 'rows', `${size.rows}`, 'cols', `${size.columns}`], { stdio: 'ignore' })
    // Where there is no such program the app keeps the size that it began with.
    .on('error', () => undefined);
}

function ownSize(): { columns: number; rows: number } | undefined {
  if (!process.stdout.isTTY) return undefined;
  const [columns, rows] = process.stdout.getWindowSize();
  return columns > 0 && rows > 0 ? { columns, rows } : undefined;
}
