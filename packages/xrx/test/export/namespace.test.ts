import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '@xcpu/libxcpu';
import { checkNamespace, parseNamespace, SESSION_NAMESPACE } from '@xcpu/xcpu-protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type NamespaceOptions, namespaceProgram } from '../../src/export/namespace.js';
import { sysroots } from '../../src/export/sysroots.js';
import { directory } from './support.js';

const program = (options: Partial<NamespaceOptions> = {}) =>
  namespaceProgram({ cwd: '/home/u/project', ...options });
const MOUNTS = ['/dev', '/proc', '/sys'];

describe('the default program', () => {
  it('is the whole tree, in the working directory', () => {
    expect(program()).toEqual({
      text: `${SESSION_NAMESPACE}cd /home/u/project\n`,
      variables: [],
      mountPoints: MOUNTS,
      ownTree: true,
      ownFiles: true,
    });
  });

  it.each([
    [{ chdir: 'sub' }, '/home/u/project/sub'],
    [{ chdir: '/data' }, '/data'],
    [{ root: '/home/u' }, '/project'],
    [{ root: '/home/u/project' }, '/'],
    [{ root: '/srv' }, '/'],
    [{ root: '/home/u', chdir: '..' }, '/'],
  ])('with %j begins in %s', (options, cwd) => {
    expect(program(options).text).toBe(`${SESSION_NAMESPACE}cd ${cwd}\n`);
  });

  it('binds directories of the node before it goes in, and says where there must be some', () => {
    const { text, mountPoints } = program({ binds: ['/scratch', '/opt/node/lib:/opt/my lib'] });
    const lines = text.split('\n');
    expect(lines.slice(-5, -2)).toEqual([
      'bind -r /scratch /mnt/sandbox/scratch',
      "bind -r /opt/node/lib '/mnt/sandbox/opt/my lib'",
      'chroot /mnt/sandbox',
    ]);
    expect(mountPoints).toEqual([...MOUNTS, '/scratch', '/opt/my lib']);
    const trees = program({ sysroots: ['/opt/sys/Linux/arm64'] }).mountPoints;
    expect(trees.slice(3)).toEqual(MOUNTS.map((path) => `/opt/sys/Linux/arm64${path}`));
  });

  it('brings the homes into the tree, where that is wanted', () => {
    const { text, mountPoints } = program({ homes: '/data/home', sysroots: ['/s/Linux/arm64'] });
    expect(text.split('\n').slice(1, 5)).toEqual([
      'import $XCPUTSADDR /mnt/term',
      'bind /mnt/term/$XCPUARCHDIR /mnt/sandbox',
      'bind /mnt/term/data/home /mnt/sandbox/home',
      'bind -r /dev /mnt/sandbox/dev',
    ]);
    const mounts = [...MOUNTS, '/home'];
    expect(mountPoints).toEqual([...mounts, ...mounts.map((path) => `/s/Linux/arm64${path}`)]);
  });

  it('imports read-only', () => {
    expect(program({ readOnly: true }).text).toContain('import -o ro $XCPUTSADDR /mnt/term\n');
  });
});

describe('--namespace', () => {
  it('puts directories of the user’s over those of the node', () => {
    const { text, mountPoints, ownTree } = program({
      directories: '/home:/bin=/opt/arm/bin',
      binds: ['/scratch:/home/u/scratch', '/data'],
    });
    expect(text).toBe(`unshare
import $XCPUTSADDR /mnt/term
bind /mnt/term/home /home
bind /mnt/term/opt/arm/bin /bin
bind -r /scratch /home/u/scratch
bind -r /data /data
cd /home/u/project
`);
    expect(mountPoints).toEqual(['/home/u/scratch']);
    expect(ownTree).toBe(false);
  });

  it.each([
    [{ directories: '/opt=/home/u' }, 'cd /opt/project\n'],
    [{ directories: '/a=/home:/b=/home/u/project:/c=/home/u' }, 'cd /b\n'],
    [{ directories: '/usr' }, 'bind /mnt/term/usr /usr\n'],
    [{ directories: '/usr', chdir: '/x' }, 'cd /x\n'],
    [{ directories: '/project=/srv', root: '/home/u' }, 'bind /mnt/term/srv /project\n'],
    [{ directories: '/x=/project', root: '/home/u' }, 'cd /x\n'],
    [{ directories: '/home', chdir: 'sub' }, 'cd /home/u/project/sub\n'],
    [
      { directories: '/mnt:/home' },
      'bind /mnt/term/home /home\nbind /mnt/term/mnt /mnt\ncd /home/u/project\n',
    ],
  ])('with %j ends in %j', (options, end) => {
    expect(program(options).text.endsWith(end)).toBe(true);
  });

  it.each([
    [{ directories: '' }, '--namespace : "" is not an absolute path'],
    [{ directories: '/a::/b' }, '--namespace : "" is not an absolute path'],
    [{ directories: '/a:b' }, '--namespace b: "b" is not an absolute path'],
    [{ directories: '/a=' }, '--namespace /a=: "" is not an absolute path'],
    [{ directories: '/a:/b/../a' }, '--namespace: /a is there twice'],
    [{ directories: '/' }, '--namespace /: / cannot be covered; without --namespace the whole'],
    [{ directories: '/a', file: { name: 'f', text: '' } }, '--ns and --namespace exclude'],
    [{ binds: ['/a:/b:/c'] }, '--bind /a:/b:/c: one colon is wanted, as in A:B'],
    [{ binds: ['a'] }, '--bind a: "a" is not an absolute path'],
    [{ binds: ['/a:/'] }, '--bind /a:/: / cannot be covered'],
    [{ binds: ['/a'], file: { name: 'f', text: '' } }, '--bind with --ns: write a bind into f'],
    [
      { directories: '/home=/x', binds: ['/home/a:/b'] },
      '--bind /home/a: it is covered by your /x',
    ],
  ] as const)('%j is refused', (options, message) => {
    expect(() => program(options)).toThrow(UsageError);
    expect(() => program(options)).toThrow(message);
  });
});

describe('--ns', () => {
  const file = (text: string, more: Partial<NamespaceOptions> = {}) =>
    program({ file: { name: 'my.ns', text }, ...more });

  it('is sent as it is', () => {
    const text = '# mine\nunshare\nimport $XCPUTSADDR /mnt/term\nmount none /x nfs ro';
    expect(file(text).text).toBe(text);
    expect(file(text, { chdir: 'sub' }).text).toBe(`${text}\ncd /home/u/project/sub\n`);
    expect(file(text).ownTree).toBe(false);
    expect(file('chroot /mnt/$DIR').ownTree).toBe(true);
  });

  it.each([
    ['import $XCPUTSADDR /mnt', true],
    ["import -o ro 'session!term' /mnt", true],
    ['import host!7000 /mnt\ntmpfs /tmp', false],
    ['', false],
  ])('says whether it needs what xrx serves: %j', (text, ownFiles) => {
    expect(file(text).ownFiles).toBe(ownFiles);
  });

  it('is checked first, with file and line', () => {
    expect(() => file("unshare\nfly\ncd 'a\nimport h:1 /m")).toThrow(
      'my.ns:2: unknown command "fly"\nmy.ns:3: unterminated quote',
    );
    expect(() => file('bind /a /b\nunshare\ntmpfs /a uid=0')).toThrow(
      'my.ns:2: unshare comes before all but cd, and once\nmy.ns:3: tmpfs: "uid=0" is not',
    );
  });
});

describe('any path', () => {
  it('reaches the node as it is', () => {
    const part = fc.stringMatching(/^[^/\0]{1,8}$/).filter((name) => !/^\.{1,2}$/.test(name));
    const path = fc.array(fc.oneof(part, fc.constantFrom('$HOME', '#', "it's", 'a\nb', '-r')), {
      minLength: 1,
      maxLength: 4,
    });
    const env: Record<string, string> = { HOME: '/evil', XCPUTSADDR: 'session!term' };
    fc.assert(
      fc.property(path, path, (cwd, bound) => {
        const place = `/${bound.join('/').replaceAll(':', '')}/x`;
        const { text, variables } = program({
          cwd: `/${cwd.join('/')}`,
          binds: [`/node:${place}`],
        });
        const values = new Map([...variables, ...Object.entries(env)]);
        const steps = parseNamespace(text, (name) => values.get(name));
        expect(checkNamespace(steps)).toEqual([]);
        expect(steps.at(-1)).toMatchObject({ command: 'cd', directory: `/${cwd.join('/')}` });
        expect(steps.find((step) => step.command === 'bind' && step.old === '/node')).toBeDefined();
        expect(steps).toContainEqual(
          expect.objectContaining({ new: expect.stringContaining('/mnt/sandbox/') }),
        );
      }),
    );
  });
});

describe('trees for other kinds of machine', () => {
  it('are those that are there, below the exported root', () => {
    const top = directory({ 'sys/Linux/arm64': null, 'sys/Linux/ppc': null, 'sys/x': '' });
    mkdirSync(join(top, 'sys/Empty'));
    writeFileSync(join(top, 'sys/Linux/file'), '');
    symlinkSync('arm64', join(top, 'sys/Linux/aarch64'));
    symlinkSync('none', join(top, 'sys/Linux/sparc'));
    symlinkSync('sys', join(top, 'trees'));
    const env = { XCPU_SYSROOT: `${top}/trees/` };
    const names = ['Linux/arm64', 'Linux/ppc'];
    expect(sysroots(env)).toEqual(names.map((name) => `${top}/sys/${name}`));
    expect(sysroots(env, top)).toEqual(names.map((name) => `/sys/${name}`));
    expect(sysroots(env, '/srv')).toEqual([]);
    expect(sysroots({})).toEqual([]);
    expect(sysroots({ XCPU_SYSROOT: '/no/such' })).toEqual([]);
  });
});
