/** Checks that the source of a host volume is what it seems: no link leads from it to another place. */
import * as fs from 'node:fs';
import { CairnError, hasCode } from '../../core/errors.js';
import type { JsonField } from '../../image/json-field.js';

/**
 * The stat of a source. As appc wants it, a symlink at its end or before it is an error: whoever may change the link
 * could give an app any file of the host.
 * @param storeDir in which no source may lie: an app would write to what all share
 * @throws CairnError `ERR_NOT_FOUND`, `ERR_BAD_MANIFEST`
 */
export function statOfSource(source: string, storeDir: string, field: JsonField): fs.Stats {
  const fault = (code: 'ERR_NOT_FOUND' | 'ERR_BAD_MANIFEST', why: string, path = source): CairnError =>
    new CairnError(code, why, { entry: field.place, path });
  const parts = source.split('/').filter((part) => part !== '' && part !== '.');
  if (!source.startsWith('/') || parts.includes('..') || source.includes('\0')) {
    throw fault('ERR_BAD_MANIFEST', 'the source of a host volume must be an absolute path without ".."');
  }
  let at = '/';
  let stat = fs.lstatSync(at);
  for (const part of parts) {
    at = at === '/' ? `/${part}` : `${at}/${part}`;
    try {
      stat = fs.lstatSync(at);
    } catch (error) {
      if (!hasCode(error, 'ENOENT', 'ENOTDIR')) throw error;
      throw fault('ERR_NOT_FOUND', `the source of the volume is not there: ${at}`, at);
    }
    if (stat.isSymbolicLink()) {
      const why = `the source of a volume may not be, or lie behind, a symlink: ${at} leads to ${fs.readlinkSync(at)}`;
      throw fault('ERR_BAD_MANIFEST', why, at);
    }
  }
  const store = fs.realpathSync(storeDir);
  if (at === store || at.startsWith(`${store}/`)) {
    throw fault('ERR_BAD_MANIFEST', 'the source of a volume may not lie in the store');
  }
  return stat;
}
