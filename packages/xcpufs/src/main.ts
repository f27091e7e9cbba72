import { runDaemon } from '@xcpu/daemon';
import { startDaemon } from './daemon.js';
import { closeInherited } from './descriptors.js';
import { parseOptions } from './options.js';

declare const XCPU_VERSION: string;

// Before anything opens a file.
closeInherited();
runDaemon('xcpufs', () => {
  const parsed = parseOptions(process.argv.slice(2), XCPU_VERSION);
  return 'exitCode' in parsed ? parsed : startDaemon(parsed.options);
});
