// Writes `src/api/schema.d.ts` from the committed OpenAPI document; `--check` only compares.
import { readFile, writeFile } from "node:fs/promises";
import openapiTS, { astToString } from "openapi-typescript";

const source = new URL("../../crates/server/openapi.json", import.meta.url);
const target = new URL("../src/api/schema.d.ts", import.meta.url);

/** Parameters that the document calls `path` although the path has no such part are of the query; names
 * of operations that are not unique are of no use; words in capitals are Rust's names, not those on the
 * wire (`token.served`), so that all that can be said is that they are text.
 * @param {import('openapi-typescript').OpenAPI3} document
 */
function mended(document) {
  for (const [path, operations] of Object.entries(document.paths ?? {})) {
    for (const operation of Object.values(operations)) {
      delete operation.operationId;
      for (const parameter of operation.parameters ?? []) {
        if (parameter.in !== "path" || path.includes(`{${parameter.name}}`)) continue;
        parameter.in = "query";
        parameter.required = false;
      }
    }
  }
  for (const schema of Object.values(document.components?.schemas ?? {})) {
    if ("enum" in schema && schema.enum?.some((word) => /^[A-Z]/.test(String(word)))) delete schema.enum;
  }
  return document;
}

/** The text of `schema.d.ts` as it should be. */
export async function types() {
  const document = mended(JSON.parse(await readFile(source, "utf8")));
  return `// From crates/server/openapi.json, by \`npm run types\`.\n${astToString(await openapiTS(document, { defaultNonNullable: false }))}`;
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  const text = await types();
  if (!process.argv.includes("--check")) await writeFile(target, text);
  else if ((await readFile(target, "utf8")) !== text) {
    console.error("src/api/schema.d.ts is out of date\n\nhint: run `npm run types`");
    process.exit(1);
  }
}
