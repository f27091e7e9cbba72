import type { Fid } from '@xcpu/9p-protocol/client';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { mountFuse } from '../src/mount-fuse.js';

const FD = 1_000_000;
const { abort, close, make, serve } = vi.hoisted(() => ({
  abort: vi.fn(),
  close: vi.fn(),
  make: vi.fn(),
  serve: vi.fn(),
}));
vi.mock('node:fs', async (original) => ({ ...(await original<object>()), close }));
vi.mock('../src/mounting/device-file.js', () => ({ openFuse: async () => FD }));
vi.mock('../src/mounting/mount-point.js', () => ({ MountPoint: { make } }));
vi.mock('../src/fuse-server.js', () => ({ serveFuse: serve }));

describe('mountFuse that fails', () => {
  const attempt = () => mountFuse({ root: {} as Fid, mountpoint: '/mnt', guard: false });

  beforeEach(() => {
    vi.resetAllMocks();
    make.mockResolvedValue({ abort });
  });

  test('to mount: closes the descriptor', async () => {
    make.mockRejectedValue(new Error('no mount'));
    await expect(attempt()).rejects.toThrow('no mount');
    expect(close.mock.calls).toEqual([[FD, expect.any(Function)]]);
  });

  test('to serve: closes the descriptor and takes the mount away', async () => {
    serve.mockRejectedValue(new Error('no directory'));
    await expect(attempt()).rejects.toThrow('no directory');
    expect(close.mock.calls).toEqual([[FD, expect.any(Function)]]);
    expect(abort).toHaveBeenCalledOnce();
  });

  test('once it is served: leaves the descriptor to the server', async () => {
    serve.mockImplementation(async () => ({ ready: Promise.reject(new Error('unmounted')) }));
    await expect(attempt()).rejects.toThrow('unmounted');
    expect(close).not.toHaveBeenCalled();
    expect(abort).toHaveBeenCalledOnce();
  });
});
