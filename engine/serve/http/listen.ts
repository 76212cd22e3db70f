/** Begins to listen. A socket in the file system is its owner's alone. */
import * as fs from 'node:fs';
import type { Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { CairnError, hasCode, toCairnError } from '../../core/errors.js';
import type { Address } from './address.js';

/** @returns the address, with the port that was given */
export async function listenAt(http: Server, address: Address): Promise<Address> {
  try {
    if (address.kind === 'tcp') return await listenOnPort(http, address);
    await clearSocket(address.path);
    await listenOnSocket(http, address.path);
    return address;
  } catch (error) {
    const where = address.kind === 'unix' ? address.path : `${address.host}:${address.port}`;
    if (hasCode(error, 'EADDRINUSE')) throw new CairnError('ERR_EXISTS', `somebody listens at ${where} already`);
    throw toCairnError(error, `cannot listen at ${where}`);
  }
}

async function listenOnPort(http: Server, { host, port }: Extract<Address, { kind: 'tcp' }>): Promise<Address> {
  await listening(http, () => http.listen({ host, port }));
  return { kind: 'tcp', host, port: (http.address() as AddressInfo).port };
}

async function listenOnSocket(http: Server, path: string): Promise<void> {
  // The socket is made by the call itself, with a mode that lets nobody else in, not even for a moment.
  await listening(http, () => {
    const before = process.umask(0o177);
    try {
      http.listen({ path });
    } finally {
      process.umask(before);
    }
  });
}

function listening(http: Server, listen: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once('error', reject);
    http.once('listening', () => {
      http.off('error', reject);
      resolve();
    });
    listen();
  });
}

/** Takes the socket of a server that was killed. @throws CairnError `ERR_EXISTS` for anything else that is there */
async function clearSocket(path: string): Promise<void> {
  const found = fs.lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new CairnError('ERR_EXISTS', `${path} is there already, and no socket`, { path });
  if (await isAnswered(path)) throw new CairnError('ERR_EXISTS', `somebody listens at ${path} already`, { path });
  fs.rmSync(path, { force: true });
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => resolve(!hasCode(error, 'ECONNREFUSED', 'ENOENT')));
  });
}
