// Builds client/dist, and from it what every server serves: `/client.js`, whole in one file, and `/client-react.js`
// beside it, which takes React from whoever imports it.
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const page = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(page, "client/dist");
const out = join(page, "../server/static");
const banner = "/* The client of livecb. SPDX-License-Identifier: Apache-2.0 */";

rmSync(dist, { recursive: true, force: true });
execFileSync(process.execPath, [join(page, "node_modules/typescript/bin/tsc"), "-p", join(page, "client")], { stdio: "inherit" });
await build({
  configFile: false,
  logLevel: "warn",
  build: {
    outDir: out,
    emptyOutDir: false,
    target: "es2022",
    lib: { entry: join(dist, "index.js"), formats: ["es"], fileName: () => "client.js" },
    minify: "oxc",
    rolldownOptions: { output: { banner } },
  },
});
const react = readFileSync(join(dist, "react.js"), "utf8").replace('"./index.js"', '"./client.js"');
writeFileSync(join(out, "client-react.js"), `${banner}\n${react}`);
