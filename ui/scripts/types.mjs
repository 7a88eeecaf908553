// Writes `src/api/schema.d.ts` from the committed OpenAPI document; `--check` only compares. A document
// that is not valid OpenAPI is refused.
import { readFile, writeFile } from "node:fs/promises";
import { createConfig } from "@redocly/openapi-core";
import openapiTS, { astToString } from "openapi-typescript";

const source = new URL("../../crates/server/openapi.json", import.meta.url);
const target = new URL("../src/api/schema.d.ts", import.meta.url);

// Refusals stand under `default`, with whatever status their code has.
const redocly = await createConfig({ extends: ["recommended-strict"], rules: { "operation-4xx-response": "off" } });

/** The text of `schema.d.ts` as it should be. */
async function types() {
  const nodes = await openapiTS(source, { defaultNonNullable: false, redocly });
  return `// From crates/server/openapi.json, by \`npm run types\`.\n${astToString(nodes)}`;
}

const text = await types();
if (!process.argv.includes("--check")) await writeFile(target, text);
else if ((await readFile(target, "utf8")) !== text) {
  console.error("src/api/schema.d.ts is out of date\n\nhint: run `npm run types`");
  process.exit(1);
}
