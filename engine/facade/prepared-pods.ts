/** The part of the façade that is about prepared pods: made, listed, run, removed. */
import { checkOptions, mustBe } from '../core/check-options.js';
import { defined } from '../core/defined.js';
import { findingOf } from '../core/finding.js';
import type { PodRecord } from '../index/records.js';
import type {
  FindImage,
  PodDetails,
  PodEnd,
  PodGcOptions,
  PodManifest,
  PodSelection,
  PodSummary,
  PreparedPod,
  PrepareOptions,
  RemovePodOptions,
  RunOptions,
} from '../pod/index.js';
import { findImage } from './find-image.js';
import { contextOf } from './opened.js';
import { POD_GC, POD_RUN, PODS, PREPARE, REMOVE_PODS } from './option-kinds.js';
import { StoreOfPods } from './pods.js';

export abstract class StoreOfPreparedPods extends StoreOfPods {
  /**
   * Prepares a pod: finds its images, fetches what is missing as `pull` says, renders them, and keeps them from being
   * collected.
   * @param manifest parsed, or as bytes; or images, each of which becomes an app
   * @throws CairnError `ERR_BAD_MANIFEST`, `ERR_NAME_MISMATCH` for an image that is another than its id, and as
   *   {@link render} does
   */
  async preparePod(
    manifest: PodManifest | Uint8Array | readonly string[],
    options: PrepareOptions = {},
  ): Promise<PreparedPod> {
    checkOptions(options, PREPARE);
    const { preparePod } = await import('../pod/prepare.js');
    const find = this.#finder();
    const given = await this.#manifestFrom(manifest, find, options);
    return preparePod(contextOf(this), given, { ...options, find });
  }

  /**
   * Pods, in order of their ids; all of them, unless some are selected. By the index: `showPod` looks at a pod's files,
   * too. Times are ISO 8601.
   * @throws CairnError `ERR_USAGE` for a filter that there is not
   */
  async *pods(selection: PodSelection = {}): AsyncGenerator<PodSummary> {
    checkOptions(selection, PODS);
    const { listPods } = await import('../pod/filter-pods.js');
    yield* listPods(contextOf(this), selection);
  }

  /**
   * All of one pod: its apps, annotations and manifest, and while it runs its process and cgroup.
   * @param pod its id, or the beginning of that, as in all methods on pods
   * @throws CairnError `ERR_NOT_FOUND`, `ERR_AMBIGUOUS_KEY`, `ERR_KEY_SYNTAX`, as all methods on pods
   */
  async showPod(pod: string): Promise<PodDetails> {
    const { describePod } = await import('../pod/show.js');
    return describePod(contextOf(this), await this.#find(pod));
  }

  /** The exact bytes of a pod's manifest. @throws CairnError `ERR_DAMAGED` */
  async catPodManifest(pod: string): Promise<Buffer> {
    const { podManifestBytes } = await import('../pod/show.js');
    return podManifestBytes(contextOf(this), await this.#find(pod));
  }

  /** A prepared pod as it was prepared. Trees of it that are gone are rendered again. @throws `ERR_DAMAGED` */
  async loadPod(pod: string, options: PrepareOptions = {}): Promise<PreparedPod> {
    checkOptions(options, PREPARE);
    const { loadPod } = await import('../pod/find-pod.js');
    return loadPod(contextOf(this), await this.#find(pod), options);
  }

  /**
   * Runs a prepared pod, which can be done once. Waits for the end of its last app.
   * @returns the exit codes of the apps; `exitCode` is that of the first that failed, 0 if none did
   * @throws CairnError `ERR_RUNTIME`, `ERR_HELD` while it runs, `ERR_USAGE` when it was run before, `ERR_ABORTED` when
   *   the signal has ended it
   */
  async runPod(pod: string, options: RunOptions = {}): Promise<PodEnd> {
    checkOptions(options, POD_RUN);
    const { runPod } = await import('../pod/run/run-pod.js');
    return runPod(contextOf(this), await this.#find(pod), options);
  }

  /** Prepares a pod, runs it, and removes it. @param manifest as for {@link preparePod} */
  async run(
    manifest: PodManifest | Uint8Array | readonly string[],
    options: RunOptions & PrepareOptions = {},
  ): Promise<PodEnd> {
    const { pull, platform, insecure, authfile, ...running } = options;
    checkOptions(running, POD_RUN);
    checkOptions(defined({ pull, platform, insecure, authfile }), PREPARE);
    const { runTransient } = await import('../pod/run/run-pod.js');
    const preparing = { find: this.#finder(), ...findingOf(options) };
    const given = await this.#manifestFrom(manifest, preparing.find, preparing);
    return runTransient(contextOf(this), given, running, preparing);
  }

  /** Removes pods. @returns them as they were @throws CairnError `ERR_HELD` while one runs, unless `force` */
  async removePods(pods: readonly string[], options: RemovePodOptions = {}): Promise<PodSummary[]> {
    mustBe('pods', pods, 'texts');
    checkOptions(options, REMOVE_PODS);
    const { removePods } = await import('../pod/remove.js');
    const { PodsLook } = await import('../pod/states.js');
    const found = new Map<string, PodRecord>();
    for (const pod of pods) {
      const record = await this.#find(pod);
      found.set(record.id, record);
    }
    const look = new PodsLook(contextOf(this));
    const told = [...found.values()].map((pod) => look.summarize(pod));
    await removePods(contextOf(this), [...found.values()], options);
    return told;
  }

  /** Collects pods that have ended, and prepared ones that nobody runs. @returns those that went */
  async gcPods(options: PodGcOptions = {}): Promise<PodSummary[]> {
    checkOptions(options, POD_GC);
    const { collectPods } = await import('../pod/collect-pods.js');
    return collectPods(contextOf(this), options);
  }

  #finder(): FindImage {
    return (argument, request) => findImage(this, argument, request);
  }

  async #find(pod: string): Promise<PodRecord> {
    mustBe('pod', pod, 'text');
    const { findPod } = await import('../pod/find-pod.js');
    return findPod(contextOf(this).index, pod);
  }

  async #manifestFrom(
    given: PodManifest | Uint8Array | readonly string[],
    find: FindImage,
    options: PrepareOptions,
  ): Promise<PodManifest | Uint8Array> {
    if (given instanceof Uint8Array) return given;
    if (!Array.isArray(given)) {
      mustBe('manifest', given, 'object');
      mustBe('manifest.raw', (given as PodManifest).raw, 'object');
      return given as PodManifest;
    }
    mustBe('images', given, 'texts');
    const { manifestOfImages } = await import('../pod/manifest-of-images.js');
    const images = [];
    for (const image of given)
      images.push(await find(image, { ...findingOf(options), pull: options.pull ?? 'missing' }));
    return manifestOfImages(contextOf(this), images);
  }
}
