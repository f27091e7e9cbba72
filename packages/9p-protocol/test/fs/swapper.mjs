/** Runs in a worker: swaps a directory for a link to another place and back, until the shared flag says to stop. */
import { renameSync, symlinkSync, unlinkSync } from 'node:fs';
import { workerData } from 'node:worker_threads';

const { directory, aside, outside, state } = workerData;
const flag = new Int32Array(state);
while (Atomics.load(flag, 0) === 0) {
  renameSync(directory, aside);
  symlinkSync(outside, directory);
  Atomics.add(flag, 1, 1);
  Atomics.notify(flag, 1);
  unlinkSync(directory);
  renameSync(aside, directory);
}
