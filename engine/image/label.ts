/** Labels of an image. Name and labels together identify it (appc spec, image manifest, `labels`). */

export interface Label {
  name: string;
  value: string;
}

/** Labels by name. */
export function labelMap(labels: readonly Label[]): Record<string, string> {
  return Object.fromEntries(labels.map(({ name, value }) => [name, value]));
}
