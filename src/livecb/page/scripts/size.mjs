// Prints what a browser loads, gzipped, and fails when it is more than the page, or the client, may weigh.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const LIMIT = 80_000;
const CLIENT_LIMIT = 10_000;
const out = join(dirname(fileURLToPath(import.meta.url)), "../../server/static");
let total = 0;
let client = 0;
for (const entry of readdirSync(out, { recursive: true })) {
  const path = join(out, String(entry));
  if (!statSync(path).isFile() || path.endsWith(".md")) continue;
  const size = gzipSync(readFileSync(path)).length;
  if (relative(out, path).startsWith("client")) client += size;
  else total += size;
  console.log(`${String(size).padStart(7)} B gzipped  ${relative(out, path)}`);
}
console.log(`${String(total).padStart(7)} B gzipped  the page in all, of ${LIMIT} B allowed`);
console.log(`${String(client).padStart(7)} B gzipped  the client, of ${CLIENT_LIMIT} B allowed`);
if (total > LIMIT || client > CLIENT_LIMIT) process.exit(1);
