// This file knows which files of the bundle are kept compressed beside the plain ones.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { constants, gzipSync } from "node:zlib";

const LEAST_BYTES = 1000;
const [folder] = process.argv.slice(2);
for (const name of readdirSync(folder, { recursive: true })) {
  if (!/\.(js|css|html|svg|json)$/.test(name)) continue;
  const plain = readFileSync(join(folder, name));
  if (plain.length < LEAST_BYTES) continue;
  writeFileSync(join(folder, `${name}.gz`), gzipSync(plain, { level: constants.Z_BEST_COMPRESSION }));
}
