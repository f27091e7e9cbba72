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

// No file changes what others see of the process that they share (globals, mocked modules): a process for each would take
// a minute of the six that `npm test` may take.
export default defineConfig({
  ssr: { resolve },
  resolve,
  test: {
    projects: [
      { extends: true, test: { name: 'unit', include: unit, isolate: false } },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: endToEnd,
          exclude: [...virtualMachines, ...load],
          isolate: false,
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
