/** Media types of images: those of OCI (OCI image spec, media types), and Docker's for the same documents. */

export const OCI_LAYOUT_HEADER = 'application/vnd.oci.layout.header.v1+json';
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json';
export const OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar';
export const OCI_LAYER_GZIP = `${OCI_LAYER}+gzip`;
export const OCI_LAYER_ZSTD = `${OCI_LAYER}+zstd`;
/** Deprecated; still read. */
export const OCI_FOREIGN_LAYER = 'application/vnd.oci.image.layer.nondistributable.v1.tar';

export const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json';
export const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
export const DOCKER_MANIFEST_V1 = 'application/vnd.docker.distribution.manifest.v1+json';
export const DOCKER_MANIFEST_V1_SIGNED = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
export const DOCKER_CONFIG = 'application/vnd.docker.container.image.v1+json';
export const DOCKER_LAYER = 'application/vnd.docker.image.rootfs.diff.tar';
export const DOCKER_LAYER_GZIP = `${DOCKER_LAYER}.gzip`;
export const DOCKER_FOREIGN_LAYER = 'application/vnd.docker.image.rootfs.foreign.diff.tar';

/** The annotation that names an image in a layout's index; mostly only a tag. */
export const REF_NAME = 'org.opencontainers.image.ref.name';
/** The annotation with an image's full name, as containerd, Docker and BuildKit write it. */
export const FULL_NAME = 'io.containerd.image.name';
/** The annotation of a descriptor that is about another image, as an attestation is (BuildKit). */
export const ABOUT_ANOTHER = 'vnd.docker.reference.type';

const KINDS: ReadonlyMap<string, 'index' | 'manifest'> = new Map([
  [OCI_INDEX, 'index'],
  [DOCKER_LIST, 'index'],
  [OCI_MANIFEST, 'manifest'],
  [DOCKER_MANIFEST, 'manifest'],
]);

const CONFIGS: ReadonlySet<string> = new Set([OCI_CONFIG, DOCKER_CONFIG]);

const LAYERS = [OCI_LAYER, OCI_FOREIGN_LAYER, DOCKER_LAYER, DOCKER_FOREIGN_LAYER];
/** BuildKit 0.10 and 0.11 wrote Docker's types with `.zstd`. What a layer is compressed with is read from its bytes. */
const COMPRESSED = /[+.](?:gzip|zstd|xz|bzip2)$/;

/** The kind of a document of this media type, or undefined for a type that is neither. */
export function documentKind(mediaType: string): 'index' | 'manifest' | undefined {
  return KINDS.get(mediaType);
}

export function isConfigType(mediaType: string): boolean {
  return CONFIGS.has(mediaType);
}

export function isLayerType(mediaType: string): boolean {
  return LAYERS.includes(mediaType.replace(COMPRESSED, ''));
}

/** Docker's first manifests. They name layers but no configuration, and their signatures cover half of the text. */
export function isSchema1Type(mediaType: string): boolean {
  return mediaType === DOCKER_MANIFEST_V1 || mediaType === DOCKER_MANIFEST_V1_SIGNED;
}
