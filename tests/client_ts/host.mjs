// Evaluates what stands on standard input, a JSON string a line, where `livecb` is the client's module; answers each
// with a line of JSON.
import { createInterface } from "node:readline";

globalThis.livecb = await import(process.argv[2]);
for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    answer = { value: await (0, eval)(`(async () => (${JSON.parse(line)}))()`) };
  } catch (error) {
    answer = { error: error.name, message: error.message };
  }
  console.log(JSON.stringify(answer));
}
