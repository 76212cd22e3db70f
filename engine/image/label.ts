/** Labels, which name an image together with its name (appc spec, image manifest, `labels`). */

/** One label of an image (appc spec, image manifest, `labels`). */
export interface Label {
  name: string;
  value: string;
}
