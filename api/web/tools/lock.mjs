// This file knows what a lock may hold: versions and hashes, and no addresses. Run it after `npm install`.
import { readFileSync, writeFileSync } from "node:fs";

for (const path of process.argv.slice(2)) {
  const lock = JSON.parse(readFileSync(path, "utf8"));
  for (const entry of Object.values(lock.packages)) {
    delete entry.funding;
    delete entry.resolved;
  }
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
}
