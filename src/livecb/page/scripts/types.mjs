// Writes client/generated/events.ts: the TypeScript types of events, from the JSON Schema that the
// Python types give. Needs a Python that can import msgspec: LIVECB_PYTHON, else python3.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { compile } from "json-schema-to-typescript";

const page = dirname(dirname(fileURLToPath(import.meta.url)));
const livecb = dirname(page);

// The package's __init__ is passed by: it may import what a build environment has not.
const code = `
import json, sys, types
package = types.ModuleType("livecb")
package.__path__ = [sys.argv[1]]
sys.modules["livecb"] = package
from livecb.events import json_schema
print(json.dumps(json_schema()))
`;

function schema() {
  const python = process.env.LIVECB_PYTHON ?? (process.platform === "win32" ? "python" : "python3");
  try {
    return JSON.parse(execFileSync(python, ["-c", code, livecb], { encoding: "utf8" }));
  } catch (error) {
    console.error(
      `cannot read the events' schema with ${python}: set LIVECB_PYTHON to a Python that has msgspec\n${error}`,
    );
    process.exit(1);
  }
}

const source = await compile(schema(), "LivecbEvent", {
  additionalProperties: false,
  bannerComment: "// Generated from livecb.events.json_schema() by scripts/types.mjs: do not edit.",
  format: false,
});
mkdirSync(join(page, "client/generated"), { recursive: true });
writeFileSync(join(page, "client/generated/events.ts"), source);
