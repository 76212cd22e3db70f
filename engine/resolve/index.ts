/**
 * From an argument to an image, its stack of layers and its plan. May import: content, session, plan, index, layer,
 * image, disk, core.
 *
 * `argument.ts` takes what people type, `layer-stack.ts` what the image needs, `plan-image.ts` merges that.
 */
export {};
