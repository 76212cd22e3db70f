/** Makes the places in an app's root where volumes and files appear, with owners and modes as appc wants them. */
import * as fs from 'node:fs';
import { type ByteString, toFsPath, toText } from '../../core/bytes.js';
import { baseOf, parentOf } from '../../core/path.js';
import type { RootDirectory } from '../../disk/root-directory.js';
import type { JsonField } from '../../image/json-field.js';

export interface TargetRequest {
  root: RootDirectory;
  /** Absolute in the root, without symlinks. */
  path: ByteString;
  kind: 'directory' | 'file';
  /** Where the wish for it stands. */
  field: JsonField;
  /** Told of what it hides, or takes away. */
  notice: (message: string) => void;
}

const DIRECTORY_MODE = 0o755;
const FILE_MODE = 0o644;

/** @throws CairnError `ERR_BAD_MANIFEST` for a place that cannot be made */
export function makeTarget({ root, path, kind, field, notice }: TargetRequest): void {
  const parts = path.split('/').filter((part) => part !== '');
  for (let length = 1; length < parts.length; length++) {
    const parent = `/${parts.slice(0, length).join('/')}`;
    const { stat } = root.find(parent, { followLast: false });
    if (stat === undefined) make(root, parent, 'directory');
    else if (!stat.isDirectory()) throw field.fault(`${toText(parent)} is no directory in the app`);
  }
  const { stat } = root.find(path, { followLast: false });
  if (stat === undefined) {
    make(root, path, kind);
    return;
  }
  if (stat.isDirectory() === (kind === 'directory')) {
    const isHiding = stat.isDirectory() ? root.within(path, isFilled) === true : stat.size > 0;
    if (isHiding) notice(`${field.place}: hides what the image has at ${toText(path)}`);
    return;
  }
  if (stat.isDirectory()) throw field.fault(`${toText(path)} is a directory in the app, and the source is none`);
  notice(`${field.place}: a directory takes the place of the file ${toText(path)}`);
  inParent(root, path, (name) => fs.unlinkSync(name));
  make(root, path, 'directory');
}

function isFilled(directory: string): boolean {
  const open = fs.opendirSync(directory);
  try {
    return open.readSync() !== null;
  } finally {
    open.closeSync();
  }
}

function make(root: RootDirectory, path: ByteString, kind: 'directory' | 'file'): void {
  inParent(root, path, (name) => {
    if (kind === 'file') {
      const fd = fs.openSync(name, 'wx', FILE_MODE);
      fs.fchmodSync(fd, FILE_MODE);
      fs.closeSync(fd);
      return;
    }
    fs.mkdirSync(name, { mode: DIRECTORY_MODE });
    // The directory above may hand down its group.
    fs.chownSync(name, process.geteuid?.() ?? 0, process.getegid?.() ?? 0);
    fs.chmodSync(name, DIRECTORY_MODE);
  });
}

function inParent(root: RootDirectory, path: ByteString, work: (name: string | Buffer) => void): void {
  root.within(parentOf(path) || '/', (directory) => work(toFsPath(`${directory}/${baseOf(path)}`)));
}
