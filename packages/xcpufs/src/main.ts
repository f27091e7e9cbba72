import { runDaemon } from '@xcpu/daemon';
import { startDaemon } from './daemon.js';
import { closeInherited } from './descriptors.js';
import { CLEAR_UP } from './guardian.js';
import { FUSE_HELPER } from './mounts/helper-protocol.js';
import { parseOptions } from './options.js';

declare const XCPU_VERSION: string;

// Before anything opens a file.
closeInherited();
if (process.argv[2] === FUSE_HELPER) void import('./fuse-helper.js');
else if (process.argv[2] === CLEAR_UP) void import('./clear-up.js');
else runNode();

function runNode(): void {
  runDaemon('xcpufs', () => {
    const parsed = parseOptions(process.argv.slice(2), XCPU_VERSION);
    return 'exitCode' in parsed ? parsed : startDaemon(parsed.options);
  });
}
