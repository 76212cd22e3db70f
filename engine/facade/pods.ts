/** The part of the façade that is about pods: their manifests. */
import { checkOptions, mustBe } from '../core/check-options.js';
import { defined } from '../core/defined.js';
import type { ResolveOptions } from '../core/finding.js';
import type { PodManifest, PodRequest } from '../pod/index.js';
import { StoreOfContents } from './contents.js';
import { findImage } from './find-image.js';
import { contextOf } from './opened.js';
import { APP_REQUEST, POD_REQUEST, RESOLVE } from './option-kinds.js';

export abstract class StoreOfPods extends StoreOfContents {
  /**
   * Makes the manifest of a pod: images found, their keys, names and labels filled in. What an app's image says is
   * changed as the request says. Its `raw` is the document, which is the same for the same request and the same images.
   */
  async podManifest(request: PodRequest, options: ResolveOptions = {}): Promise<PodManifest> {
    checkOptions(request, POD_REQUEST);
    mustBe('apps', request.apps, 'list');
    for (const app of request.apps) {
      checkOptions(app, APP_REQUEST);
      mustBe('image', app.image, 'text');
    }
    checkOptions(options, RESOLVE);
    const { makePodManifest } = await import('../pod/make-manifest.js');
    return makePodManifest(contextOf(this), request, {
      find: (argument) => findImage(this, argument, options),
      ...defined({ signal: options.signal }),
    });
  }
}
