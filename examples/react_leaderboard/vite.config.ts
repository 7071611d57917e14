import { defineConfig } from "vite";

// One React for this page and for livecb's hook, wherever each is installed.
export default defineConfig({ base: "./", resolve: { dedupe: ["react"] } });
