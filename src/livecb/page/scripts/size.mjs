// Prints what a browser loads, gzipped, and fails when the page's first load, all of the page, the client, or the page
// as a copy of a run holds it, weighs more than it may.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const LIMITS = { "the page at first": 100_000, "the page in all": 200_000, "the client": 10_000, "a copy": 140_000 };
const out = join(dirname(fileURLToPath(import.meta.url)), "../../server/static");
const index = readFileSync(join(out, "index.html"), "utf8");
const weights = Object.fromEntries(Object.keys(LIMITS).map((name) => [name, 0]));
for (const entry of readdirSync(out, { recursive: true })) {
  const path = join(out, String(entry));
  if (!statSync(path).isFile() || path.endsWith(".md")) continue;
  const size = gzipSync(readFileSync(path)).length;
  const name = relative(out, path);
  // What the index names is loaded at once; all else when it is first shown.
  const isFirst = name === "index.html" || index.includes(`./${name.replaceAll("\\", "/")}"`);
  if (name.startsWith("client")) weights["the client"] += size;
  else if (name === "copy.html") weights["a copy"] += size;
  else weights["the page in all"] += size;
  if (isFirst) weights["the page at first"] += size;
  console.log(`${String(size).padStart(7)} B gzipped  ${isFirst ? "*" : " "} ${name}`);
}
for (const [name, limit] of Object.entries(LIMITS)) console.log(`${String(weights[name]).padStart(7)} B gzipped  ${name}, of ${limit} B allowed`);
if (Object.entries(LIMITS).some(([name, limit]) => weights[name] > limit)) process.exit(1);
