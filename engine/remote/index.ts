/**
 * Servers, and what is asked of them: HTTP, registries, discovery, credentials. May import: core, disk, image.
 *
 * It knows no store: it yields documents, streams and descriptors. Begin with `http.ts`, which all others use.
 */
export {};
