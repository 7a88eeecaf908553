// Writes `src/api/schema.d.ts` from the committed OpenAPI document; `--check` only compares. A document
// that is not valid OpenAPI is refused.
import { readFile, writeFile } from "node:fs/promises";
import { createConfig } from "@redocly/openapi-core";
import openapiTS, { astToString } from "openapi-typescript";

const source = new URL("../../crates/server/openapi.json", import.meta.url);
const target = new URL("../src/api/schema.d.ts", import.meta.url);

const STREAM = "text/event-stream";

const redocly = await createConfig({ extends: ["recommended-strict"] });

/** The document without streams: `live/sse.ts` reads them, and the typed client reads JSON. */
async function withoutStreams() {
  const text = await readFile(source, "utf8");
  return JSON.stringify(
    JSON.parse(text, (name, /** @type {unknown} */ value) => (name === STREAM ? undefined : value)),
  );
}

/** The text of `schema.d.ts` as it should be. */
async function types() {
  const nodes = await openapiTS(await withoutStreams(), { defaultNonNullable: false, redocly });
  return `// From crates/server/openapi.json, by \`npm run types\`.\n${astToString(nodes)}`;
}

const text = await types();
if (!process.argv.includes("--check")) await writeFile(target, text);
else if ((await readFile(target, "utf8")) !== text) {
  console.error("src/api/schema.d.ts is out of date\n\nhint: run `npm run types`");
  process.exit(1);
}
