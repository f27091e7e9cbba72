import { defineConfig } from 'vitest/config';

const unit = ['packages/*/test/**/*.test.ts'];
const endToEnd = ['test/**/*.test.ts'];
// In emulated machines, which takes its time: `npm run test:vm`.
const virtualMachines = ['test/vm/**/*.test.ts'];
// What takes longer, by its load or its attacks: `npm run test:load`.
const load = ['test/**/*.load.test.ts'];

// The packages resolve each other from source here, so unit tests need no build;
// the end-to-end tests run the bundles that `npm run build` makes.
const resolve = { conditions: ['@xcpu/source', 'node', 'import', 'default'] };

export default defineConfig({
  ssr: { resolve },
  resolve,
  test: {
    projects: [
      { extends: true, test: { name: 'unit', include: unit } },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: endToEnd,
          exclude: [...virtualMachines, ...load],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'load',
          include: load,
          testTimeout: 120_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'vm',
          include: virtualMachines,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
