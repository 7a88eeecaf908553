import { svelte } from "@sveltejs/vite-plugin-svelte";
import type { ProxyOptions } from "vite";
import { defineConfig } from "vitest/config";

/** Where a plain browser finds the agent: its loopback listener, with a client key of `--manage`. */
const agent = process.env.VALETKEY_UI_AGENT ?? "http://127.0.0.1:4315";
const key = process.env.VALETKEY_UI_KEY ?? "";

/** The listener refuses requests of browsers, so the proxy sends them as a program with a key. */
const proxy: Record<string, ProxyOptions> = {
  "/api": {
    target: agent,
    changeOrigin: true,
    headers: { Authorization: `Bearer ${key}` },
    configure(server) {
      server.on("proxyReq", (request) => {
        for (const name of request.getHeaderNames()) {
          const browsers = name === "origin" || name === "referer" || name.startsWith("sec-");
          if (browsers) request.removeHeader(name);
        }
      });
      // A stream without data yet has begun, too.
      server.on("proxyRes", (answer, _request, response) => {
        setImmediate(() => response.flushHeaders());
        // A broken stream must end here, too.
        answer.on("close", () => response.end());
      });
      server.on("error", (_error, _request, response) => {
        if ("writeHead" in response && !response.headersSent) response.writeHead(502);
        response.end();
      });
    },
  },
};

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

export default defineConfig({
  plugins: [svelte()],
  server: { host: "127.0.0.1", port: 5173, proxy },
  // As strict as the desktop app, so that what runs here runs there.
  preview: { host: "127.0.0.1", port: 4173, proxy, headers: { "Content-Security-Policy": POLICY } },
  // The WebView is WebKitGTK 2.42 or later; nothing is inlined, so that the page's CSP can be strict.
  build: { target: "safari17", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
