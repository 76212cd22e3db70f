/** Bundles for OCI runtimes, made of prepared pods. Begin with `bundle-pod.ts`. */
export { bundleImage } from './bundle-image.js';
export { bundlePod } from './bundle-pod.js';
export { linkNamespaces } from './namespaces.js';
export type { Bundle, BundleImageOptions, BundleOptions, HeldBundle } from './options.js';
export { removeBundles } from './remove-bundles.js';
export type { Overlay, RootfsKind } from './rootfs.js';
