import { defineConfig } from "vite";
import { icons } from "./icons.ts";

export default defineConfig({
  plugins: [icons()],
  build: {
    outDir: "../app/static",
    emptyOutDir: true,
    // Not "assets": that is where a page's own addresses begin.
    assetsDir: "static",
    // The content security policy allows files of our own, not data: fonts or scripts written into the page.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
  },
  server: {
    proxy: Object.fromEntries(["/api", "/tiles", "/dev"].map((path) => [path, "http://127.0.0.1:8000"])),
  },
});
