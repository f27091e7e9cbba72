import { expect, it } from 'vitest';
import { ShipStatus } from '../src/ship-status.js';
import { StatusLine } from '../src/status-line.js';

function watched(shown = true) {
  const printed: string[] = [];
  const line = new StatusLine(shown, (text) => printed.push(text));
  return { printed, line };
}

it('is written over, and taken away for what others write', () => {
  const { printed, line } = watched();
  line.show('one');
  line.show('two');
  line.yield(Buffer.from('output\n'));
  line.yield(Buffer.from('more\n'));
  line.show('three');
  line.clear();
  line.clear();
  expect(printed).toEqual([
    ...['\r\x1b[Kone', '\r\x1b[Ktwo', '\r\x1b[K'],
    ...['\r\x1b[Kthree', '\r\x1b[K'],
  ]);
});

it('does not write over a line that somebody has begun', () => {
  const { printed, line } = watched();
  line.yield(Buffer.from('a prompt: '));
  line.show('one');
  line.yield(Buffer.alloc(0));
  line.show('two');
  expect(printed).toEqual([]);
  line.yield(Buffer.from('its end\n'));
  line.show('three');
  expect(printed).toEqual(['\r\x1b[Kthree']);
});

it('is not there where stderr is no terminal', () => {
  const { printed, line } = watched(false);
  line.show('one');
  line.clear();
  expect(printed).toEqual([]);
});

it('shows shipping that takes longer than a second, five times a second, until all are done', () => {
  const { printed, line } = watched();
  let now = 0;
  const status = new ShipStatus(line, () => now);
  const note = (at: number, nodes: number, sent: number) => {
    now = at;
    status.note({ nodes, sent, total: 200 * 1024 * 1024 });
  };
  note(900, 2, 1000);
  expect(printed).toEqual([]);
  note(1024, 2, 50 * 1024 * 1024);
  note(1100, 2, 60 * 1024 * 1024);
  note(2048, 1, 199 * 1024 * 1024);
  note(2100, 0, 200 * 1024 * 1024);
  expect(printed).toEqual([
    '\r\x1b[Kshipping to 2 nodes: 25% of 200 MiB, 48.8 MiB/s',
    '\r\x1b[Kshipping to 1 node: 99% of 200 MiB, 97.2 MiB/s',
    '\r\x1b[K',
  ]);
});
