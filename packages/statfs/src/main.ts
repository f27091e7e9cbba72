import { runDaemon } from '@xcpu/daemon';
import { startStatfs } from './daemon.js';
import { parseOptions } from './options.js';

declare const XCPU_VERSION: string;

runDaemon('statfs', () => {
  const parsed = parseOptions(process.argv.slice(2), XCPU_VERSION);
  return 'exitCode' in parsed ? parsed : startStatfs(parsed.options);
});
