/** Labels of an image. Name and labels together identify it (appc spec, image manifest, `labels`). */

export interface Label {
  name: string;
  value: string;
}
