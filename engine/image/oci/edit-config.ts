/**
 * Edits the documents of an OCI image in acbuild's words: the configuration, and the annotations of the manifest. As
 * with acbuild, an annotation keeps the name that a port or a mount was given, since a configuration has no place for
 * it. The caller checks the result with `parseConfig`.
 */
import { CairnError } from '../../core/errors.js';
import { quoted } from '../../core/printable.js';
import { type AddEdit, type Edit, type EditedList, inOrder, nothingToRemove, type SetEdit } from '../edit.js';
import type { JsonObject, JsonValue } from '../json.js';
import { JsonField } from '../json-field.js';
import type { Platform } from './platform.js';

/** What a build edits of an OCI image. */
export interface EditedImage {
  config: JsonObject;
  /** Of the manifest. */
  annotations: Record<string, string>;
}

const CONFIG_FIELDS = ['created', 'author', 'architecture', 'os', 'variant', 'config', 'rootfs', 'history'];
const RUN_FIELDS = [
  'User',
  'ExposedPorts',
  'Env',
  'Entrypoint',
  'Cmd',
  'Volumes',
  'WorkingDir',
  'Labels',
  'StopSignal',
];

const MOUNT_NOTE = 'coreos.com/acbuild/mount/';
const PORT_NOTE = 'coreos.com/acbuild/port/';

/** The configuration that a build begins with. */
export function skeletonConfig({ os, architecture, variant }: Platform): JsonObject {
  const fields = { architecture, os, variant, config: {}, rootfs: { type: 'layers', diff_ids: [] } };
  return inOrder(fields, CONFIG_FIELDS);
}

/** @throws CairnError `ERR_NOT_FOUND` for what is not there to be removed, `ERR_UNSUPPORTED`, `ERR_BAD_MANIFEST` */
export function editImage(image: EditedImage, edit: Edit): EditedImage {
  if ('replace' in edit) return { ...image, config: edit.replace };
  if ('remove' in edit) return removeFrom(image, edit.remove, edit.name);
  return 'add' in edit ? addTo(image, edit) : { ...image, config: setIn(image.config, edit) };
}

function setIn(config: JsonObject, edit: SetEdit): JsonObject {
  switch (edit.set) {
    case 'exec': {
      const [program, ...rest] = edit.value;
      return withRun(config, { Entrypoint: program === undefined ? undefined : [program], Cmd: unlessEmpty(rest) });
    }
    case 'entrypoint':
      return withRun(config, { Entrypoint: unlessEmpty(edit.value) });
    case 'cmd':
      return withRun(config, { Cmd: unlessEmpty(edit.value) });
    case 'user':
      return withRun(config, { User: userOf(config, { user: ownerPart('user', edit.value) }) });
    case 'group':
      return withRun(config, { User: userOf(config, { group: ownerPart('group', edit.value) }) });
    case 'working-directory':
      if (edit.value !== '' && !edit.value.startsWith('/')) throw bad('workingDirectory must be an absolute path');
      return withRun(config, { WorkingDir: edit.value || undefined });
    case 'stop-signal':
      return withRun(config, { StopSignal: edit.value || undefined });
    case 'name':
      throw unsupported('an OCI image is named when it is written: "cairn build write --name NAME"');
    default:
      throw unsupported(`${edit.set}: only supported in ACI builds`);
  }
}

function unlessEmpty(texts: readonly string[]): JsonValue | undefined {
  return texts.length === 0 ? undefined : [...texts];
}

function ownerPart(what: string, value: string): string {
  if (value === '') throw bad(`${what} cannot be empty`);
  if (value.includes(':')) throw bad(`${what} cannot contain a ':' character`);
  return value;
}

/** `user[:group]` with another part. A group needs a user, which is root where there is none. */
function userOf(config: JsonObject, change: { user?: string; group?: string }): string {
  const [user = '', group] = run(config).exactField('User').text().split(':', 2);
  const part = { user: user || '0', group, ...change };
  return part.group === undefined ? part.user : `${part.user}:${part.group}`;
}

function addTo(image: EditedImage, edit: AddEdit): EditedImage {
  const { config, annotations } = image;
  switch (edit.add) {
    case 'environment': {
      if (edit.name === '' || edit.name.includes('=')) throw bad(`not a variable's name: ${quoted(edit.name)}`);
      const others = envOf(config).filter((each) => variableOf(each) !== edit.name);
      return { ...image, config: withRun(config, { Env: [...others, `${edit.name}=${edit.value}`] }) };
    }
    case 'label':
      return { ...image, config: withRun(config, { Labels: { ...setOf(config, 'Labels'), [edit.name]: edit.value } }) };
    case 'annotation':
      return { config, annotations: { ...annotations, [edit.name]: edit.value } };
    case 'mount': {
      if (edit.readOnly === true) throw unsupported('an OCI image does not support read only mounts');
      const free = without(image, 'mount', edit.name, true);
      return noted(free, 'Volumes', edit.path, { [`${MOUNT_NOTE}${edit.name}`]: `path:${edit.path}` });
    }
    case 'port': {
      const { name, protocol, port, count = 1, socketActivated = false } = edit;
      if (count !== 1) throw unsupported('an OCI image does not support port counts');
      if (socketActivated) throw unsupported('an OCI image does not support socket activated ports');
      if (!Number.isInteger(port) || port < 1 || port > 65_535) throw bad('port must be in 1-65535 range');
      if (!/^(?:tcp|udp|sctp)$/.test(protocol)) throw bad(`no protocol of ports: ${quoted(protocol)}`);
      const note = { [`${PORT_NOTE}${name}`]: `number:${port} protocol:${protocol}` };
      return noted(without(image, 'port', name, true), 'ExposedPorts', `${port}/${protocol}`, note);
    }
    default:
      throw unsupported(`${edit.add}: only supported in ACI builds`);
  }
}

function noted(image: EditedImage, set: string, key: string, note: Record<string, string>): EditedImage {
  const config = withRun(image.config, { [set]: { ...setOf(image.config, set), [key]: {} } });
  return { config, annotations: { ...image.annotations, ...note } };
}

function removeFrom(image: EditedImage, list: EditedList, name: string): EditedImage {
  const { config, annotations } = image;
  switch (list) {
    case 'environment': {
      const kept = envOf(config).filter((each) => variableOf(each) !== name);
      if (kept.length === envOf(config).length) throw nothingToRemove(list, name, 'image');
      return { ...image, config: withRun(config, { Env: unlessEmpty(kept) }) };
    }
    case 'label': {
      const { [name]: gone, ...kept } = setOf(config, 'Labels');
      if (gone === undefined) throw nothingToRemove(list, name, 'image');
      return { ...image, config: withRun(config, { Labels: unlessNone(kept) }) };
    }
    case 'annotation': {
      const { [name]: gone, ...kept } = annotations;
      if (gone === undefined) throw nothingToRemove(list, name, 'image');
      return { config, annotations: kept };
    }
    case 'mount':
    case 'port':
      return without(image, list, name, false);
    default:
      throw unsupported(`${list}: only supported in ACI builds`);
  }
}

const NOTED = { mount: { set: 'Volumes', note: MOUNT_NOTE }, port: { set: 'ExposedPorts', note: PORT_NOTE } } as const;

/** Without a port or mount and the annotations that name it. A name comes first, then a path, or a number. */
function without(image: EditedImage, list: 'mount' | 'port', name: string, ifThere: boolean): EditedImage {
  const { set, note } = NOTED[list];
  const there = setOf(image.config, set);
  const named = keyInNote(image.annotations[`${note}${name}`] ?? '');
  const key = [named, ...(ifThere ? [] : [name, ...Object.keys(there).filter((each) => each.split('/')[0] === name)])]
    .filter((each) => each !== undefined)
    .find((each) => Object.hasOwn(there, each));
  const isNote = (key: string): boolean => key === `${note}${name}`;
  if (key === undefined && !Object.keys(image.annotations).some(isNote)) {
    if (ifThere) return image;
    throw nothingToRemove(list, name, 'image');
  }
  const kept = Object.entries(there).filter(([each]) => each !== key);
  const annotations = Object.entries(image.annotations).filter(
    ([each, value]) => !isNote(each) && !(each.startsWith(note) && keyInNote(value) === key),
  );
  return {
    config: withRun(image.config, { [set]: unlessNone(Object.fromEntries(kept)) }),
    annotations: Object.fromEntries(annotations),
  };
}

/** The volume or port that an annotation names. */
function keyInNote(note: string): string | undefined {
  const [, path, port, protocol] = /^(?:path:(.*)|number:(\d+) protocol:(\w+))$/s.exec(note) ?? [];
  return path ?? (port === undefined ? undefined : `${port}/${protocol}`);
}

function unlessNone(set: JsonObject): JsonValue | undefined {
  return Object.keys(set).length === 0 ? undefined : set;
}

function withRun(config: JsonObject, change: Record<string, JsonValue | undefined>): JsonObject {
  const runs = inOrder({ ...run(config).object(), ...change }, RUN_FIELDS);
  return inOrder({ ...config, config: runs }, CONFIG_FIELDS);
}

/** The configuration with other fields of its own, such as its layers. */
export function withConfigFields(config: JsonObject, change: Record<string, JsonValue | undefined>): JsonObject {
  return inOrder({ ...config, ...change }, CONFIG_FIELDS);
}

function run(config: JsonObject): JsonField {
  return new JsonField('image config', config).exactField('config').orEmpty();
}

function envOf(config: JsonObject): string[] {
  return run(config).exactField('Env').texts();
}

function variableOf(variable: string): string {
  return variable.split('=', 1)[0] as string;
}

function setOf(config: JsonObject, name: string): JsonObject {
  return run(config).exactField(name).orEmpty().object();
}

function bad(why: string): CairnError {
  return new CairnError('ERR_BAD_MANIFEST', why, { entry: 'image config' });
}

function unsupported(why: string): CairnError {
  return new CairnError('ERR_UNSUPPORTED', why);
}
