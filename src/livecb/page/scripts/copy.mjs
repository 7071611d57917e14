// Builds what `livecb export --html` fills with a run: the page whole in one file, in which the modules that know the
// server are others. The policy in it names its script and its style by their hashes, and lets it ask nobody.
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const page = dirname(dirname(fileURLToPath(import.meta.url)));
const out = join(page, "../server/static/copy.html");
const INSTEAD = {
  "client/api.ts": "src/copy/api.ts",
  "client/http.ts": "src/copy/http.ts",
  "src/copied.ts": "src/copy/copied.ts",
  "src/streams/tab.ts": "src/copy/tab.ts",
};

const swap = {
  name: "livecb-copy",
  enforce: "pre",
  async resolveId(source, importer, options) {
    if (!importer || importer.startsWith(join(page, "src/copy/"))) return null;
    const found = await this.resolve(source, importer, { ...options, skipSelf: true });
    const other = found && INSTEAD[relative(page, found.id).replaceAll("\\", "/")];
    return other ? join(page, other) : null;
  },
};

const { output } = await build({
  root: page,
  configFile: false,
  logLevel: "warn",
  plugins: [swap],
  build: {
    write: false,
    target: "es2022",
    assetsInlineLimit: Infinity,
    cssCodeSplit: false,
    modulePreload: false,
    rolldownOptions: { input: join(page, "src/main.tsx"), output: { codeSplitting: false } },
  },
});

const scripts = output.filter(({ type }) => type === "chunk");
const style = output.filter(({ fileName }) => fileName.endsWith(".css")).map(({ source }) => String(source)).join("\n");
if (scripts.length !== 1 || !style) throw new Error(`expected one script and a style, got ${output.map(({ fileName }) => fileName)}`);
// What would end the element early, in a string or a pattern, says the same with a backslash.
const script = scripts[0].code.replaceAll("</script", "<\\/script");
if (script.includes("<!--") || /<\/style/i.test(style)) throw new Error("the script or the style would end its element");

const hash = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
const policy = [
  "default-src 'none'", `script-src ${hash(script)}`, `style-src ${hash(style)}`, "img-src data: blob:", "media-src blob:",
  "base-uri 'none'", "form-action 'none'",
].join("; ");

writeFileSync(out, `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta http-equiv="Content-Security-Policy" content="${policy}" />
    <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover" />
    <meta name="color-scheme" content="light dark" />
    <meta name="referrer" content="no-referrer" />
    <title>livecb</title>
    <link rel="icon" type="image/svg+xml" href="data:," />
    <style>${style}</style>
  </head>
  <body>
    <div id="app"></div>
    <noscript>This copy of a run needs JavaScript to show it. It asks nobody for anything.</noscript>
    <!-- the run -->
    <script type="module">${script}</script>
  </body>
</html>
`);
