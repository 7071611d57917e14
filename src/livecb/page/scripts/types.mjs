// Writes client/generated: the TypeScript types of events and of the API's answers, from the JSON Schema that the
// Python types give. Needs a Python that can import msgspec: LIVECB_PYTHON, else python3.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { compile } from "json-schema-to-typescript";

const page = dirname(dirname(fileURLToPath(import.meta.url)));
const livecb = dirname(page);
const out = join(page, "client/generated");

// The packages' __init__ are passed by: they may import what a build environment has not.
const code = `
import json, os, sys, types
for name in ("livecb", "livecb.control", "livecb.server"):
    package = sys.modules[name] = types.ModuleType(name)
    package.__path__ = [os.path.join(sys.argv[1], *name.split(".")[1:])]
import msgspec
from livecb.control.commands import Asked
from livecb.events import json_schema
from livecb.server import answers, grants
shapes = [Asked, *(getattr(it, name) for it in (answers, grants) for name in it.__all__ if name != "RoleWord")]
components = msgspec.json.schema_components(shapes, ref_template="#/$defs/{name}")[1]
print(json.dumps({"events": json_schema(), "answers": components}))
`;

function schemas() {
  const python = process.env.LIVECB_PYTHON ?? (process.platform === "win32" ? "python" : "python3");
  try {
    return JSON.parse(execFileSync(python, ["-c", code, livecb], { encoding: "utf8" }));
  } catch (error) {
    console.error(`cannot read the schema with ${python}: set LIVECB_PYTHON to a Python that has msgspec\n${error}`);
    process.exit(1);
  }
}

/** An object of which nothing more is said holds anything. */
function open(schema) {
  if (schema === null || typeof schema !== "object") return;
  if (schema.type === "object" && !schema.properties) schema.additionalProperties ??= true;
  Object.values(schema).forEach(open);
}

function nameOf(name) {
  if (!(name in events.$defs)) return name;
  return isDeepStrictEqual(answers[name], events.$defs[name]) ? `events.${name}` : `${name}State`;
}

/** The answers, with events by the names that events.ts has for them. */
function namingEvents(schema) {
  if (schema === null || typeof schema !== "object") return schema;
  if (Array.isArray(schema)) return schema.map(namingEvents);
  if (schema.$ref) {
    const name = names[schema.$ref.split("/").at(-1)];
    return name.startsWith("events.") ? { tsType: name } : { $ref: `#/$defs/${name}` };
  }
  return Object.fromEntries(Object.entries(schema).map(([key, held]) => [key, namingEvents(held)]));
}

async function write(name, schema, title, made, head = "") {
  open(schema);
  const source = await compile(schema, title, {
    additionalProperties: false,
    bannerComment: `// Generated from ${made} by scripts/types.mjs: do not edit.${head}`,
    format: false,
    unreachableDefinitions: true,
  });
  const noise = /( \* \n)? \* This interface was referenced by .*\n \* via the .*\n|export interface Answers \{\s*\}\n/g;
  writeFileSync(join(out, `${name}.ts`), source.replace(noise, ""));
}

const { events, answers } = schemas();
mkdirSync(out, { recursive: true });
// What a run's state says of its progress is more than the event of that name: such a type is the state's.
const names = Object.fromEntries(Object.keys(answers).map((name) => [name, nameOf(name)]));
const kept = Object.entries(answers).filter(([name]) => !names[name].startsWith("events."));
const renamed = Object.fromEntries(kept.map(([name, schema]) => [names[name], { ...namingEvents(schema), title: names[name] }]));
const root = { type: "object", properties: {}, $defs: renamed };
await write("events", events, "LivecbEvent", "livecb.events.json_schema()");
await write("answers", root, "Answers", "livecb.server.answers", '\nimport type * as events from "./events.js";\n');
