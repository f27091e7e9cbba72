import type { BehaviourResult } from './run.js';

/** Results as the Test Anything Protocol has them, version 13. */
export function formatTap(results: readonly BehaviourResult[]): string {
  const lines = ['TAP version 13', `1..${results.length}`];
  results.forEach((result, index) => {
    const { name, dialect, outcome, reason = '', trace = [] } = result;
    const line = `${outcome === 'failed' ? 'not ok' : 'ok'} ${index + 1} - ${dialect} ${name}`;
    lines.push(outcome === 'skipped' ? `${line} # SKIP ${reason}` : line);
    if (outcome !== 'failed') return;
    lines.push('  ---', `  reason: ${JSON.stringify(reason)}`);
    if (trace.length > 0) lines.push('  messages:');
    for (const message of trace) lines.push(`    - ${JSON.stringify(message)}`);
    lines.push('  ...');
  });
  return `${lines.join('\n')}\n`;
}

/** How many passed, failed and were skipped, in one line. */
export function summary(results: readonly BehaviourResult[]): string {
  const count = (wanted: BehaviourResult['outcome']) =>
    results.filter(({ outcome }) => outcome === wanted).length;
  return `${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`;
}
