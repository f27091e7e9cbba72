import { describe, expect, it } from 'vitest';
import { Log, type LogFields } from '../src/index.js';

const HOSTILE = 'a "b"\n2026 forged event=1\r\x1b[31m\x07\x7f\x9b\u2028\u2029é';

describe('the log', () => {
  it('is one line per event, values quoted where they need it', () => {
    const line = logged(false, {
      client: '127.0.0.1!40312',
      user: 'a b',
      empty: '',
      n: 3,
      no: undefined,
    });
    expect(line).toMatch(
      /^\d{4}-\d\d-\d\dT[\d:.]+Z login client=127.0.0.1!40312 user="a b" empty="" n=3\n$/,
    );
  });

  it.each([false, true])('keeps what a peer chose on its line and harmless (JSON: %s)', (json) => {
    const line = logged(json, { reason: HOSTILE });
    expect(line.slice(0, -1)).not.toMatch(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/);
    expect(line.endsWith('\n')).toBe(true);
    const value = json ? JSON.parse(line).reason : JSON.parse(line.slice(line.indexOf('=') + 1));
    expect(value).toBe(HOSTILE);
  });

  it('is an object per line in JSON', () => {
    const { time, ...rest } = JSON.parse(logged(true, { sid: 7, user: 'ann' }));
    expect(time).toMatch(/Z$/);
    expect(rest).toEqual({ event: 'login', sid: 7, user: 'ann' });
  });
});

function logged(json: boolean, fields: LogFields): string {
  let text = '';
  new Log(json, (line) => {
    text += line;
  }).event('login', fields);
  return text;
}
