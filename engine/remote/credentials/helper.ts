/**
 * Asks credential helpers: programs called `docker-credential-NAME` that keep secrets in a safer place than a file.
 * Nothing that they print is repeated, since it may be the secret.
 */
import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { CairnError, hasCode } from '../../core/errors.js';
import { MAX_CONFIG_FILE } from '../../core/limits.js';
import { quoted } from '../../core/printable.js';
import { type Credential, type Password, Secret } from './credential.js';

export interface HelperCall {
  /** `docker-credential-NAME`. */
  name: string;
  /** The file that says to ask it. */
  path: string;
  timeoutMs?: number | undefined;
}

/** A helper may ask a person to open a keyring. */
const TIMEOUT_MS = 60_000;
/** The user that stands for an identity token. */
const TOKEN_USER = '<token>';

/** @returns undefined if it has none for the server @throws CairnError `ERR_CONFIG` */
export async function credentialFrom(call: HelperCall, server: string): Promise<Credential | undefined> {
  const { code, output, said } = await run(call, 'get', server);
  const program = programOf(call);
  if (code !== 0) {
    if (/credentials not found/i.test(output + said)) return undefined;
    throw failed(call, `ended with ${code} when it was asked for the credentials of ${server}`);
  }
  const { user, secret } = parseAnswer(call, output);
  const from = `${program}, which ${call.path} names`;
  if (secret === '') return undefined;
  const kept = new Secret(secret);
  return user === TOKEN_USER
    ? { kind: 'identity', token: kept, from }
    : { kind: 'password', user, password: kept, from };
}

/** @throws CairnError `ERR_CONFIG` */
export async function keepIn(call: HelperCall, server: string, { user, password }: Password): Promise<void> {
  const entry = JSON.stringify({ ServerURL: server, Username: user, Secret: password.reveal() });
  const { code } = await run(call, 'store', entry);
  if (code !== 0) throw failed(call, `ended with ${code} when it was to keep the credentials of ${server}`);
}

/** @returns whether it had any @throws CairnError `ERR_CONFIG` */
export async function eraseIn(call: HelperCall, server: string): Promise<boolean> {
  if ((await credentialFrom(call, server)) === undefined) return false;
  const { code } = await run(call, 'erase', server);
  if (code !== 0) throw failed(call, `ended with ${code} when it was to forget the credentials of ${server}`);
  return true;
}

function parseAnswer(call: HelperCall, output: string): { user: string; secret: string } {
  try {
    const { Username: user, Secret: secret } = JSON.parse(output) as Record<string, unknown>;
    if (typeof user === 'string' && typeof secret === 'string') return { user, secret };
  } catch {
    // Told below. The parser's own words quote the answer.
  }
  throw failed(call, 'answers with what is no credential');
}

function programOf({ name, path }: HelperCall): string {
  // A name with a slash would be a path to any program.
  if (/^[A-Za-z0-9][\w.-]*$/.test(name)) return `docker-credential-${name}`;
  throw new CairnError('ERR_CONFIG', `${path}: ${quoted(name)} is not the name of a credential helper`, { path });
}

interface Answer {
  code: number | null;
  output: string;
  /** Beside the output. */
  said: string;
}

function run(call: HelperCall, verb: string, input: string): Promise<Answer> {
  const child = spawn(programOf(call), [verb], { stdio: ['pipe', 'pipe', 'pipe'] });
  const { stdin, stdout, stderr } = child;
  return new Promise((resolve, reject) => {
    const end = (what: string): void => {
      child.kill('SIGKILL');
      for (const stream of [stdin, stdout, stderr]) stream.destroy();
      reject(failed(call, what));
    };
    const timeoutMs = call.timeoutMs ?? TIMEOUT_MS;
    const timer = setTimeout(() => end(`has not answered within ${timeoutMs / 1000} s`), timeoutMs);
    const tooMuch = (): void => end(`answers with more than ${MAX_CONFIG_FILE} bytes`);
    const [output, said] = [collect(stdout, tooMuch), collect(stderr, tooMuch)];
    stdin.on('error', () => {}); // it may end without reading
    stdin.end(input);
    child.on('error', (cause) => {
      clearTimeout(timer);
      end(hasCode(cause, 'ENOENT') ? 'is not installed' : `cannot be run: ${(cause as NodeJS.ErrnoException).code}`);
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code, output: output(), said: said() });
    });
  });
}

function collect(stream: Readable, tooMuch: () => void): () => string {
  const parts: Buffer[] = [];
  let length = 0;
  stream.on('data', (part: Buffer) => {
    parts.push(part);
    length += part.length;
    if (length > MAX_CONFIG_FILE) tooMuch();
  });
  return () => Buffer.concat(parts).toString();
}

function failed(call: HelperCall, what: string): CairnError {
  const { path } = call;
  return new CairnError('ERR_CONFIG', `${programOf(call)}, which ${path} names, ${what}`, { path });
}
