import { defineConfig } from 'vite';

// The page becomes a few static files beside the server's code: one entry that is never cached, the rest named by their content.
export default defineConfig({
  // Relative to the base path, which the server writes into index.html.
  base: './',
  root: import.meta.dirname,
  publicDir: false,
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: '../assets',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: false,
    reportCompressedSize: true,
  },
});
