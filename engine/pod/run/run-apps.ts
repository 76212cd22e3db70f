/**
 * Runs the apps of a bundled pod side by side, each with its event handlers, until the last one has ended.
 *
 * bundles → (namespaces that they share) → for each app: pre-start → the app → post-stop
 */
import * as fs from 'node:fs';
import { CairnError, throwIfAborted } from '../../core/errors.js';
import type { PlacesOfRun } from '../../disk/layout.js';
import type { Bundle } from '../bundle/index.js';
import type { PreparedPod } from '../prepared.js';
import { Container, deleteContainers, type RunContext } from './container.js';
import type { PodEnd, RunOptions } from './options.js';
import { shareNamespaces } from './share.js';
import { resizeTerminal, sizeTerminal } from './terminal.js';
import { type Stdio, Watch, type Watched } from './watch.js';

const [STDIN, STDOUT, STDERR] = [0, 1, 2];

/** Makes the directories that a run needs before its bundles. */
export function makePlaces(run: string, places: PlacesOfRun): void {
  fs.mkdirSync(run, { recursive: true, mode: 0o700 });
  fs.mkdirSync(places.state, { mode: 0o700 });
}

/** Ids of all containers that the run of a pod may start. */
export function containersOf({ id, apps }: PreparedPod): string[] {
  const labels = apps.flatMap((_app, number) => [`${number}`, `${number}-pre-start`, `${number}-post-stop`]);
  return ['pause', ...labels].map((label) => containerId(id, label));
}

/** Names of apps can be longer than ids may be. */
function containerId(pod: string, label: string): string {
  return `cairn-${pod}-${label}`;
}

export class PodRun {
  readonly #pod: PreparedPod;
  readonly #context: RunContext;
  readonly #options: RunOptions;
  readonly #running = new Set<Container>();
  /** In the order in which they failed. */
  readonly #failed: { name: string; exitCode: number }[] = [];
  #failure: unknown;
  #killing: Promise<void> | undefined;

  constructor(pod: PreparedPod, watched: Omit<Watched, 'ids'>, options: RunOptions) {
    this.#pod = pod;
    this.#context = { ...watched, watch: new Watch({ ...watched, ids: containersOf(pod) }) };
    this.#options = options;
  }

  /** @throws CairnError `ERR_RUNTIME` if an app cannot be started; `ERR_ABORTED`, when all of them have been killed */
  async run(bundles: readonly Bundle[]): Promise<PodEnd> {
    const { signal, signals } = this.#options;
    const kill = (): void => void this.#kill();
    signal?.addEventListener('abort', kill);
    const stopPassing = signals?.((name) => this.#pass(name));
    try {
      throwIfAborted(signal);
      await this.#runAll(bundles);
    } finally {
      stopPassing?.();
      signal?.removeEventListener('abort', kill);
      await this.#killing;
      if (bundles.length > 1) await this.#delete([containerId(this.#pod.id, 'pause')]);
      this.#context.watch.end();
    }
    throwIfAborted(signal);
    if (this.#failure !== undefined) throw this.#failure;
    const codes = new Map(this.#failed.map(({ name, exitCode }) => [name, exitCode]));
    const apps = bundles.map(({ app: name }) => ({ name, exitCode: codes.get(name) ?? 0 }));
    return { pod: this.#pod.id, exitCode: this.#failed[0]?.exitCode ?? 0, apps };
  }

  #pass(name: NodeJS.Signals): void {
    const { places } = this.#context;
    if (this.#options.tty === true && name === 'SIGWINCH') resizeTerminal(places.pid('0'));
    // Its terminal is gone, and the app cannot know: it has another one, which the runtime keeps.
    if (this.#options.tty === true && name === 'SIGHUP') void this.#kill();
    for (const container of this.#running) container.signal(name);
  }

  async #runAll(bundles: readonly Bundle[]): Promise<void> {
    const [first, ...others] = bundles as [Bundle, ...Bundle[]];
    if (this.#options.tty === true) sizeTerminal(first.dir);
    if (others.length === 0) return this.#runApp(first, 0);
    if (await shareNamespaces(this.#context, containerId(this.#pod.id, 'pause'), bundles)) {
      await Promise.all(bundles.map((bundle, number) => this.#runApp(bundle, number)));
      return;
    }
    throw new CairnError('ERR_UNSUPPORTED', `pods of several apps cannot be run on ${process.arch}`);
  }

  async #runApp(bundle: Bundle, number: number): Promise<void> {
    const { app, preStart, postStop } = bundle;
    const { interactive, tty } = this.#options;
    const stdin = interactive === true || tty === true ? STDIN : 'ignore';
    try {
      const before = await this.#handle(`${number}-pre-start`, `pre-start of app ${app}`, preStart);
      this.#note(app, before);
      if (before !== 0) return;
      const stdio: Stdio = [stdin, STDOUT, STDERR];
      this.#note(app, await this.#start({ label: `${number}`, title: `app ${app}`, bundle: bundle.dir, stdio }));
      this.#note(app, await this.#handle(`${number}-post-stop`, `post-stop of app ${app}`, postStop));
    } catch (error) {
      // Apps that wait for one that never comes are not left alone with that.
      if (this.#killing === undefined) this.#failure = error;
      await this.#kill();
    }
  }

  /** The first failure of an app is what it ended with. */
  #note(name: string, exitCode: number): void {
    if (exitCode !== 0 && !this.#failed.some((each) => each.name === name)) this.#failed.push({ name, exitCode });
  }

  async #handle(label: string, title: string, bundle: string | undefined): Promise<number> {
    if (bundle === undefined) return 0;
    return this.#start({ label, title, bundle, stdio: ['ignore', STDOUT, STDERR] });
  }

  async #start(request: { label: string; title: string; bundle: string; stdio: Stdio }): Promise<number> {
    if (this.#killing !== undefined) throw new CairnError('ERR_ABORTED', 'the pod was ended');
    const container = new Container(this.#context, { ...request, id: containerId(this.#pod.id, request.label) });
    this.#running.add(container);
    try {
      return await container.run();
    } finally {
      this.#running.delete(container);
    }
  }

  #kill(): Promise<void> {
    this.#killing ??= this.#killAll();
    return this.#killing;
  }

  async #killAll(): Promise<void> {
    // The runtime first: it may be about to start a container that there is nothing of yet.
    for (const container of this.#running) container.signal('SIGKILL');
    await this.#delete(containersOf(this.#pod));
  }

  #delete(ids: readonly string[]): Promise<void> {
    const { runtime, places } = this.#context;
    return deleteContainers(runtime, places.state, ids);
  }
}
