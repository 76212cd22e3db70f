/** Writes an OCI image layout of given gzipped layers. */
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

const TYPE = 'application/vnd.oci.image';

/** @param layers gzipped tars, lowest first; they must be small, as each is read into memory whole */
export function writeLayout(dir: string, layers: readonly string[]): void {
  fs.mkdirSync(join(dir, 'blobs', 'sha256'), { recursive: true });
  const put = (mediaType: string, bytes: Buffer) => {
    const hex = createHash('sha256').update(bytes).digest('hex');
    fs.writeFileSync(join(dir, 'blobs', 'sha256', hex), bytes);
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
  };
  const json = (value: unknown) => Buffer.from(JSON.stringify(value));
  const archives = layers.map((path) => fs.readFileSync(path));
  const diffIds = archives.map((bytes) => `sha256:${createHash('sha256').update(gunzipSync(bytes)).digest('hex')}`);
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const config = put(
    `${TYPE}.config.v1+json`,
    json({ os: 'linux', architecture, config: {}, rootfs: { type: 'layers', diff_ids: diffIds } }),
  );
  const descriptors = archives.map((bytes) => put(`${TYPE}.layer.v1.tar+gzip`, bytes));
  const manifest = put(`${TYPE}.manifest.v1+json`, json({ schemaVersion: 2, config, layers: descriptors }));
  const annotations = { 'org.opencontainers.image.ref.name': 'latest' };
  fs.writeFileSync(join(dir, 'index.json'), json({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }));
  fs.writeFileSync(join(dir, 'oci-layout'), json({ imageLayoutVersion: '1.0.0' }));
}
