import { spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALICE, BOB } from '../support/cluster.js';
import { bundle, type CommandOptions, cleanEnvironment } from '../support/command.js';
import { lacksRoot } from '../support/needs.js';
import { processesWith, uniqueSeconds } from '../support/processes.js';
import { Site } from '../support/site.js';
import { eventually } from '../support/wait.js';

describe('xrx on four nodes', () => {
  let site: Site;

  beforeAll(async () => {
    site = await Site.start(4);
  });
  afterAll(() => site?.stop());

  const sorted = (text: string) => text.replace(/\n$/, '').split('\n').sort();

  test('runs a program on all of them', async () => {
    const result = await site.xrx([site.nodes, 'echo', 'hello', 'a  b', '']);
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(sorted(result.stdout)).toEqual(Array(4).fill('hello a  b '));
  });

  test.skipIf(lacksRoot())('as the user who asks', async () => {
    expect((await site.xrx(['n1', 'id', '-u'])).stdout).toBe(`${ALICE.uid}\n`);
    const denied = await site.xrx(['--user', BOB.name, 'n1', 'id', '-u']);
    expect(denied).toMatchObject({ status: 254, stdout: '' });
    expect(denied.stderr).toMatch(
      /^xrx: n1: authentication failed for bob: is .+ the right key\?\n$/,
    );
  });

  test('-p labels whole lines, the last without a newline too', async () => {
    const script = 'printf one; sleep 0.05; printf " line\\nlast"; printf problem >&2';
    const { stdout, stderr, status } = await site.xrx(['-p', site.nodes, 'sh', '-c', script]);
    expect(status).toBe(0);
    const lines = [1, 2, 3, 4].flatMap((n) => [`n${n}: last`, `n${n}: one line`]);
    expect(sorted(stdout)).toEqual(lines);
    expect(sorted(stderr)).toEqual([1, 2, 3, 4].map((n) => `n${n}: problem`));
    expect(stdout.endsWith('\n')).toBe(true);
  });

  test('-L keeps lines whole', async () => {
    const script =
      'for n in 1 2 3 4 5 6 7 8; do printf xxxxxxxxxx; sleep 0.005; printf "yyyyyyyyyy\\n"; done; printf end';
    const { stdout } = await site.xrx(['-L', site.nodes, 'sh', '-c', script]);
    expect(sorted(stdout)).toEqual([
      ...Array(4).fill('end'),
      ...Array(32).fill('xxxxxxxxxxyyyyyyyyyy'),
    ]);
  });

  test('sends its input to all of them', async () => {
    const input = Buffer.from(Array.from({ length: 200_000 }, (_, n) => `${n}\n`).join(''));
    const { stdout, status } = await site.xrx(['-p', site.nodes, 'cksum'], { input });
    expect(status).toBe(0);
    const sums = sorted(stdout).map((line) => line.replace(/^n\d: /, ''));
    expect(sums).toHaveLength(4);
    expect(new Set(sums).size).toBe(1);
    expect(sums[0]).toMatch(new RegExp(` ${input.length}$`));
  });

  test('--no-stdin gives them none', async () => {
    const { stdout } = await site.xrx(['--no-stdin', 'n1', 'cat'], { input: 'not for it' });
    expect(stdout).toBe('');
  });

  test('a program that stops reading holds up nobody', async () => {
    const input = Buffer.alloc(4 * 1024 * 1024, 'x');
    const script = 'case $XCPUID in */2) exec sleep 0.2;; *) wc -c;; esac';
    const { stdout, status } = await site.xrx([site.nodes, 'sh', '-c', script], { input });
    expect(status).toBe(0);
    expect(sorted(stdout)).toEqual(Array(3).fill(String(input.length)));
  });

  test.each([
    ['its own', 'exit 7', 7],
    ['128 + N', 'kill -TERM $$', 143],
    ['127 where it is not found', 'PATH=/usr/bin:/bin; exec no-such-program', 127],
  ])('exits with the status of the program: %s', async (_, script, status) => {
    expect((await site.xrx(['n2', 'sh', '-c', script])).status).toBe(status);
  });

  test('exits with the largest status of the nodes', async () => {
    const { status } = await site.xrx([site.nodes, 'sh', '-c', `exit $((10 * \${XCPUID#*/}))`]);
    expect(status).toBe(40);
  });

  test('127 and 126 for a program that is not there or may not be run, the reason on stderr', async () => {
    const missing = await site.xrx(['n1', '/no/such/program']);
    expect(missing).toMatchObject({ status: 127, stderr: expect.stringContaining('not found') });
    expect((await site.xrx(['n1', '/etc/passwd'])).status).toBe(126);
  });

  test('$NODES and nodes that are named nevertheless: what became of them is told', async () => {
    const env = { NODES: 'n[1-2]' };
    const { status, stderr } = await site.xrx(['n3', 'date'], { env });
    expect(status).toBe(127);
    const hint =
      'xrx: n3 was taken for the program, since $NODES names the nodes: unset NODES, or leave n3 out\n';
    expect(stderr.endsWith(hint)).toBe(true);
    const said = async (args: string[], options: CommandOptions = { env }) => {
      const result = await site.xrx(args, options);
      expect(result.status).toBe(127);
      return result.stderr.includes('was taken for');
    };
    expect(await said(['sh', '-c', 'exit 127'])).toBe(false);
    expect(await said(['-w', 'n1', 'n3', 'date'])).toBe(false);
    expect(await said(['n1', 'n3', 'date'], {})).toBe(false);
  });

  test('-c says where the program starts; 125 where that cannot be', async () => {
    expect((await site.xrx(['-c', '/usr', 'n1', 'pwd'])).stdout).toBe('/usr\n');
    const missing = await site.xrx(['-c', '/no/such/place', 'n1', 'pwd']);
    expect(missing).toMatchObject({ status: 125, stdout: '' });
    expect(missing.stderr).toContain('/no/such/place');
  });

  test('-j names the job, ranks count from 1', async () => {
    const { stdout } = await site.xrx(['-j', 'job7', site.nodes, 'sh', '-c', 'echo $XCPUID']);
    expect(sorted(stdout)).toEqual(['job7/1', 'job7/2', 'job7/3', 'job7/4']);
  });

  test('options end at NODES; -n and -l are accepted', async () => {
    expect((await site.xrx(['-n', '2', '-l', 'n1', 'echo', '-p', '-j', '--help'])).stdout).toBe(
      '-p -j --help\n',
    );
    expect((await site.xrx(['n1', '--', 'echo', 'x'])).stdout).toBe('x\n');
  });

  test('the nodes may come from $NODES; -w wins', async () => {
    const env = { NODES: 'n[1-3]' };
    expect(sorted((await site.xrx(['echo', 'x'], { env })).stdout)).toHaveLength(3);
    expect((await site.xrx(['-w', 'n4', 'echo', 'x'], { env })).stdout).toBe('x\n');
  });

  test('forwards signals', async () => {
    for (const [name, number] of [
      ['SIGTERM', 15],
      ['SIGHUP', 1],
      ['SIGQUIT', 3],
      ['SIGINT', 2],
    ] as const) {
      const script = `trap 'echo caught; exit ${number}' ${number}; echo ready; while :; do sleep 0.05; done`;
      const command = site.startXrx(['-p', 'n[1-2]', 'sh', '-c', script]);
      await command.printed('n1: ready');
      await command.printed('n2: ready');
      command.child.kill(name);
      const { status, stdout } = await command.result;
      expect({ name, status }).toEqual({ name, status: number });
      expect(sorted(stdout).filter((line) => line.includes('caught'))).toHaveLength(2);
    }
  });

  test('a second Ctrl-C wipes the sessions and ends with 130', async () => {
    const seconds = uniqueSeconds();
    const script = `trap "" INT TERM HUP; echo ready; while :; do sleep ${seconds}; done`;
    const command = site.startXrx(['-p', 'n[1-2]', 'sh', '-c', script]);
    await command.printed('n1: ready');
    await command.printed('n2: ready');
    command.child.kill('SIGINT');
    await site.xrx(['n1', 'true']);
    expect(command.child.exitCode).toBeNull();
    command.child.kill('SIGINT');
    expect((await command.result).status).toBe(130);
    await eventually('nothing runs', () => processesWith(seconds).length === 0);
  });

  test('--timeout ends what still runs then: 124', async () => {
    const seconds = uniqueSeconds();
    const result = await site.xrx(['--timeout', '0.3', site.nodes, 'sleep', seconds]);
    expect(result.status).toBe(124);
    // Nodes that end in one turn share a line. One that was not ready by then may say what it was at.
    const told = result.stderr.split('\n').filter((line) => line.startsWith('xrx: '));
    expect(told.length).toBeGreaterThan(0);
    for (const line of told) expect(line).toMatch(/^xrx: n[\d[\],-]+: still running after 0\.3 s/);
    await eventually('nothing runs', () => processesWith(seconds).length === 0);
  });

  test('xrx | head ends without noise', async () => {
    const seconds = uniqueSeconds();
    const xrx = `'${process.execPath}' '${bundle('xrx')}'`;
    const { stdout, stderr } = await pipeline(`${xrx} "$@" yes ${seconds} | head -n 2`);
    expect({ stdout, stderr }).toEqual({ stdout: `${seconds}\n${seconds}\n`, stderr: '' });
    await eventually('nothing runs', () => processesWith(`yes\0${seconds}`).length === 0);
  });

  /** A pipeline of the shell's; "$@" are options and nodes. */
  async function pipeline(script: string): Promise<{ stdout: string; stderr: string }> {
    const files = await site.cluster.writeUserKey(ALICE);
    const args = ['--user', ALICE.name, '-k', files.privateFile, 'n[1-4]'];
    const env = { ...cleanEnvironment(), XCPU_NODES_FILE: await site.cluster.writeNodeMap() };
    const child = spawn('sh', ['-c', script, 'sh', ...args], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output = { stdout: '', stderr: '' };
    child.stdout.on('data', (text) => {
      output.stdout += text;
    });
    child.stderr.on('data', (text) => {
      output.stderr += text;
    });
    await new Promise((resolve) => child.on('close', resolve));
    return output;
  }

  test('a killed xrx leaves no session and no program', async () => {
    const seconds = uniqueSeconds();
    const command = site.startXrx([site.nodes, 'sh', '-c', `echo ready; exec sleep ${seconds}`]);
    await eventually(
      'it runs on all',
      () => processesWith(seconds).filter((pid) => pid !== command.child.pid).length === 4,
    );
    command.child.kill('SIGKILL');
    await eventually('nothing runs', () => processesWith(seconds).length === 0);
    for (const node of site.cluster.nodes) {
      await eventually('no session is left', async () => {
        await using admin = await site.cluster.admin(node);
        const root = await admin.open('/');
        return !(await root.readDirectory()).some(({ name }) => /^\d+$/.test(name));
      });
    }
  });

  test('-h shows examples, -V the version', async () => {
    const help = await site.run('xrx', ['-h']);
    expect(help).toMatchObject({ status: 0, stderr: '' });
    expect(help.stdout).toContain("xrx -l 'n[8-11]' date");
    expect((await site.run('xrx', ['-V'])).stdout).toMatch(/^xrx \d+\.\d+\.\d+\n$/);
  });

  test.each(['xrx', 'xps', 'xgroupset', 'xuserset', 'xcpufs'])(
    '%s -h fits 80 columns',
    async (name) => {
      const { stdout } = await site.run(name, ['-h']);
      expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
    },
  );
});
