/**
 * Edits an image manifest as acbuild does: the same edits give the same manifest, whatever their order where that means
 * nothing. Fields that nobody here knows stay. The caller checks the result with `parseImageManifest`.
 */
import { CairnError } from '../../core/errors.js';
import { type AddEdit, type Edit, type EditedList, inOrder, nothingToRemove, type SetEdit } from '../edit.js';
import type { JsonObject, JsonValue } from '../json.js';
import { JsonField, spelledKey } from '../json-field.js';
import type { Label } from '../label.js';
import { AC_VERSION } from './common-fields.js';
import { isKnownIsolator } from './isolators.js';
import { acNameFault } from './names.js';

/** The name that acbuild gives an image until somebody names it. No image may keep it. */
export const UNNAMED = 'acbuild-unnamed';

const MANIFEST_FIELDS = [
  'acKind',
  'acVersion',
  'name',
  'labels',
  'app',
  'annotations',
  'dependencies',
  'pathWhitelist',
];
const APP_FIELDS = [
  ...['exec', 'eventHandlers', 'user', 'group', 'supplementaryGIDs', 'workingDirectory', 'environment'],
  ...['mountPoints', 'ports', 'isolators', 'userAnnotations', 'userLabels'],
];

/** The manifest that a build begins with. @param labels of the platform, as appc has them */
export function skeletonManifest({ os, arch }: { os?: string; arch?: string }): JsonObject {
  const labels = [pair('arch', arch), pair('os', os)].flat();
  return { acKind: 'ImageManifest', acVersion: AC_VERSION, name: UNNAMED, labels };
}

function pair(name: string, value: string | undefined): JsonObject[] {
  return value === undefined ? [] : [{ name, value }];
}

/** @throws CairnError `ERR_NOT_FOUND` for what is not there to be removed, `ERR_UNSUPPORTED`, `ERR_BAD_MANIFEST` */
export function editManifest(manifest: JsonObject, edit: Edit): JsonObject {
  if ('replace' in edit) return edit.replace;
  if ('remove' in edit) return removeFrom(manifest, edit.remove, edit.name);
  return 'add' in edit ? addTo(manifest, edit) : setIn(manifest, edit);
}

/** The manifest with other labels, dependencies or whitelist. An empty list is left out. */
export function withLists(
  manifest: JsonObject,
  lists: { name?: string; labels?: readonly Label[]; dependencies?: readonly JsonObject[]; pathWhitelist?: string[] },
): JsonObject {
  let edited = manifest;
  const { name, labels, dependencies, pathWhitelist } = lists;
  if (name !== undefined) edited = withField(edited, 'name', name, MANIFEST_FIELDS);
  if (labels !== undefined) edited = withList(edited, 'labels', labels as unknown as JsonObject[]);
  if (dependencies !== undefined) edited = withList(edited, 'dependencies', [...dependencies]);
  if (pathWhitelist !== undefined) edited = withList(edited, 'pathWhitelist', pathWhitelist);
  return edited;
}

/** The items of a list of the manifest as they are written. */
export function listIn(manifest: JsonObject, name: 'labels' | 'annotations' | 'dependencies'): JsonObject[] {
  return itemsIn(manifest, name);
}

function setIn(manifest: JsonObject, edit: SetEdit): JsonObject {
  switch (edit.set) {
    case 'name':
      refuseEmpty('name', edit.value);
      return withField(manifest, 'name', edit.value, MANIFEST_FIELDS);
    case 'user':
    case 'group':
      refuseEmpty(edit.set, edit.value);
      return inApp(manifest, (app) => withField(app, edit.set, edit.value, APP_FIELDS));
    case 'exec':
      return inApp(manifest, (app) => withField(app, 'exec', [...edit.value], APP_FIELDS));
    case 'working-directory':
      return inApp(manifest, (app) => withField(app, 'workingDirectory', edit.value || undefined, APP_FIELDS));
    case 'supplementary-gids':
      return inApp(manifest, (app) => withAppList(app, 'supplementaryGIDs', [...edit.value]));
    case 'event-handler': {
      const { name, value } = edit;
      return inApp(manifest, (app) =>
        withAppList(app, 'eventHandlers', [
          ...itemsIn(app, 'eventHandlers').filter((handler) => textIn(handler, 'name') !== name),
          { name, exec: [...value] },
        ]),
      );
    }
    default:
      throw new CairnError('ERR_UNSUPPORTED', `an ACI has no ${edit.set}`, { entry: edit.set });
  }
}

function refuseEmpty(what: string, value: string): void {
  if (value === '') throw new CairnError('ERR_BAD_MANIFEST', `${what} cannot be empty`, { entry: what });
}

function addTo(manifest: JsonObject, edit: AddEdit): JsonObject {
  switch (edit.add) {
    case 'label': {
      const others = itemsIn(manifest, 'labels').filter((label) => textIn(label, 'name') !== edit.name);
      return withList(manifest, 'labels', [...others, { name: edit.name, value: edit.value }]);
    }
    case 'annotation':
      return withList(manifest, 'annotations', replaced(itemsIn(manifest, 'annotations'), edit.name, edit.value));
    case 'environment':
      return inApp(manifest, (app) =>
        withAppList(app, 'environment', replaced(itemsIn(app, 'environment'), edit.name, edit.value)),
      );
    case 'dependency':
      return addDependency(manifest, edit);
    case 'isolator':
      return addIsolator(manifest, edit.name, edit.value);
    case 'mount': {
      const { name, path, readOnly } = edit;
      const point = { name, path, ...(readOnly === true ? { readOnly } : {}) };
      const isOther = (mount: JsonObject): boolean => !isMount(mount, name) && !isMount(mount, path);
      return inApp(manifest, (app) =>
        withAppList(app, 'mountPoints', [...itemsIn(app, 'mountPoints').filter(isOther), point]),
      );
    }
    case 'port': {
      const { name, protocol, port, count = 1, socketActivated = false } = edit;
      const others = (app: JsonObject): JsonObject[] => itemsIn(app, 'ports').filter((each) => !isPort(each, name));
      return inApp(manifest, (app) =>
        withAppList(app, 'ports', [...others(app), { name, protocol, port, count, socketActivated }]),
      );
    }
  }
}

function addDependency(manifest: JsonObject, edit: Extract<AddEdit, { add: 'dependency' }>): JsonObject {
  const { name, labels = [], imageID, size } = edit;
  if (name.includes('://')) throw new CairnError('ERR_UNSUPPORTED', `${name}: an ACI depends on ACIs alone`);
  const others = itemsIn(manifest, 'dependencies').filter((each) => textIn(each, 'imageName') !== name);
  const dependency = inOrder(
    {
      imageName: name,
      imageID,
      labels: labels.length === 0 ? undefined : labels.map((label) => ({ name: label.name, value: label.value })),
      size: size === 0 ? undefined : size,
    },
    [],
  );
  return withList(manifest, 'dependencies', [...others, dependency]);
}

function addIsolator(manifest: JsonObject, name: string, value: JsonValue): JsonObject {
  if (!isKnownIsolator(name)) {
    throw new CairnError('ERR_BAD_MANIFEST', `unknown isolator name: ${name}`, { entry: 'manifest: app.isolators' });
  }
  const others = (app: JsonObject): JsonObject[] =>
    itemsIn(app, 'isolators').filter((each) => textIn(each, 'name') !== name);
  return inApp(manifest, (app) => withAppList(app, 'isolators', [...others(app), { name, value }]));
}

/** The list, and what tells the items that a name means. */
const LISTS: Readonly<
  Record<EditedList, { key: string; isApps: boolean; means: (item: JsonObject, name: string) => boolean }>
> = {
  label: { key: 'labels', isApps: false, means: (item, name) => textIn(item, 'name') === name },
  annotation: { key: 'annotations', isApps: false, means: (item, name) => textIn(item, 'name') === name },
  dependency: { key: 'dependencies', isApps: false, means: (item, name) => textIn(item, 'imageName') === name },
  environment: { key: 'environment', isApps: true, means: (item, name) => textIn(item, 'name') === name },
  isolator: { key: 'isolators', isApps: true, means: (item, name) => textIn(item, 'name') === name },
  mount: { key: 'mountPoints', isApps: true, means: isMount },
  port: { key: 'ports', isApps: true, means: isPort },
};

function removeFrom(manifest: JsonObject, list: EditedList, name: string): JsonObject {
  const { key, isApps, means } = LISTS[list];
  if (list === 'port') {
    const fault = acNameFault(name);
    if (fault !== undefined) throw new CairnError('ERR_BAD_MANIFEST', fault, { entry: name });
  }
  const app = field(manifest, 'app');
  const holder = isApps ? (app.absent ? {} : app.object()) : manifest;
  const items = itemsIn(holder, key);
  const kept = items.filter((item) => !means(item, name));
  if (kept.length === items.length) throw nothingToRemove(list, name, 'ACI');
  return isApps ? inApp(manifest, (each) => withAppList(each, key, kept)) : withList(manifest, key, kept);
}

function isMount(mount: JsonObject, name: string): boolean {
  return textIn(mount, 'name') === name || textIn(mount, 'path') === name;
}

function isPort(port: JsonObject, name: string): boolean {
  return textIn(port, 'name') === name || `${field(port, 'port').value}` === name;
}

/** Items of `{name, value}`: the value of the name is replaced in its place, or added at the end. */
function replaced(items: readonly JsonObject[], name: string, value: string): JsonObject[] {
  const isThere = items.some((item) => textIn(item, 'name') === name);
  if (!isThere) return [...items, { name, value }];
  return items.map((item) => (textIn(item, 'name') === name ? withField(item, 'value', value, []) : item));
}

/** Changes the app, which is made if there is none: one that does nothing, as root. */
function inApp(manifest: JsonObject, change: (app: JsonObject) => JsonObject): JsonObject {
  const app = field(manifest, 'app');
  const changed = change(app.absent ? { exec: null, user: '0', group: '0' } : app.object());
  return withField(manifest, 'app', changed, MANIFEST_FIELDS);
}

function withList(manifest: JsonObject, name: string, items: JsonValue[]): JsonObject {
  return withField(manifest, name, items.length === 0 ? undefined : items, MANIFEST_FIELDS);
}

function withAppList(app: JsonObject, name: string, items: JsonValue[]): JsonObject {
  return withField(app, name, items.length === 0 ? undefined : items, APP_FIELDS);
}

/** Gives a field a value, or takes it away. A field that the document spells in another case keeps its spelling. */
function withField(
  object: JsonObject,
  name: string,
  value: JsonValue | undefined,
  order: readonly string[],
): JsonObject {
  return inOrder({ ...object, [spelledKey(object, name)]: value }, order);
}

function field(object: JsonObject, name: string): JsonField {
  return new JsonField('manifest', object).field(name);
}

function itemsIn(object: JsonObject, name: string): JsonObject[] {
  return field(object, name)
    .items()
    .map((item) => item.object());
}

function textIn(object: JsonObject, name: string): string {
  const { value } = field(object, name);
  return typeof value === 'string' ? value : '';
}
