import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createDirectory, createPrivately, refuseNetworkFileSystem } from '#kernel/storage/file-system';
import { tempDirectory } from './kit/temp-directory.ts';

test.each([
  ['NFS', 0x6969],
  ['SMB', 0x517b],
  ['CIFS', 0xff534d42],
  ['CIFS, as a signed number', 0xff534d42 | 0],
  ['SMB2', 0xfe534d42],
  ['9P', 0x01021997],
  ['Ceph', 0x00c36400],
  ['AFS', 0x5346414f],
  ['Coda', 0x73757245],
  ['OCFS2', 0x7461636f],
  ['GFS2', 0x01161970],
  ['Lustre', 0x0bd00bd0],
  ['GPFS', 0x47504653],
])('%s is refused', (_, type) => {
  expect(() => refuseNetworkFileSystem('somewhere', () => type)).toThrow(
    expect.objectContaining({ code: 'UNSUPPORTED', detail: { feature: 'network-file-system' } }),
  );
});

test.each([
  ['ext4', 0xef53],
  ['XFS', 0x58465342],
  ['btrfs', 0x9123683e],
  ['tmpfs', 0x01021994],
  ['overlayfs', 0x794c7630],
  ['ZFS', 0x2fc12fc1],
  ['FUSE', 0x65735546],
])('%s is taken', (_, type) => {
  expect(() => refuseNetworkFileSystem('somewhere', () => type)).not.toThrow();
});

test('the file system of the tests is known to the kernel and taken', () => {
  expect(() => refuseNetworkFileSystem(tempDirectory())).not.toThrow();
});

test('a directory that exists is left as it is, and a file in its place is an error', () => {
  const directory = tempDirectory();
  mkdirSync(join(directory, 'there'), { mode: 0o755 });
  writeFileSync(join(directory, 'file'), '');

  createDirectory(join(directory, 'there'));

  expect(statSync(join(directory, 'there')).mode & 0o777).toBe(0o755);
  expect(() => createDirectory(join(directory, 'file', 'below'))).toThrow();
});

test('a private file is made once and never emptied', () => {
  const path = join(tempDirectory(), 'file');
  createPrivately(path);
  writeFileSync(path, 'content');

  createPrivately(path);

  expect(statSync(path)).toMatchObject({ size: 7 });
  expect(statSync(path).mode & 0o777).toBe(0o600);
});
