// The page as it was built (`dist`), on a free port, with the agent behind it.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { preview } from "vite";

export default async function serve(): Promise<() => Promise<void>> {
  const root = fileURLToPath(new URL("..", import.meta.url));
  if (!existsSync(`${root}dist/index.html`)) throw new Error("there is no page in ui/dist: run `npm run build`");
  const server = await preview({ root, preview: { port: 0 } });
  const address = server.httpServer.address();
  if (address === null || typeof address === "string") throw new Error("the page is not served");
  process.env.VALETKEY_UI_PAGE = `http://127.0.0.1:${address.port}`;
  return () => server.close();
}
