// Writes `src/api/schema.d.ts` from the committed OpenAPI document; `--check` only compares. A document
// that is not valid OpenAPI is refused.
import { readFile, writeFile } from "node:fs/promises";
import { createConfig } from "@redocly/openapi-core";
import openapiTS, { astToString } from "openapi-typescript";

const source = new URL("../../crates/server/openapi.json", import.meta.url);
const target = new URL("../src/api/schema.d.ts", import.meta.url);

const redocly = await createConfig({ extends: ["recommended-strict"] });

/** The document without streams: `live/sse.ts` reads them, and the typed client reads JSON. */
async function document() {
  const document = JSON.parse(await readFile(source, "utf8"));
  for (const path of Object.values(document.paths)) {
    for (const { responses } of Object.values(path)) {
      for (const { content } of Object.values(responses)) delete content?.["text/event-stream"];
    }
  }
  return document;
}

/** The text of `schema.d.ts` as it should be. */
async function types() {
  const nodes = await openapiTS(await document(), { defaultNonNullable: false, redocly });
  return `// From crates/server/openapi.json, by \`npm run types\`.\n${astToString(nodes)}`;
}

const text = await types();
if (!process.argv.includes("--check")) await writeFile(target, text);
else if ((await readFile(target, "utf8")) !== text) {
  console.error("src/api/schema.d.ts is out of date\n\nhint: run `npm run types`");
  process.exit(1);
}
