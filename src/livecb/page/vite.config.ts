import { defineConfig } from "vite";

// Relative addresses only: the page works under any path prefix. Nothing is inlined, because the
// page's Content-Security-Policy allows neither inline scripts nor `data:` addresses.
export default defineConfig({
  base: "./",
  build: {
    outDir: "../server/static",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    license: { fileName: "licenses.md" },
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
