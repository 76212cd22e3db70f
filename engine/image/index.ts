/**
 * Documents of ACI and OCI: read, checked, written, converted. May import: core.
 *
 * A document is read through `json-field.ts`, whose errors say where in the document something is wrong.
 */
export {};
