import { expect, test } from 'vitest';
import { Progress } from '#kernel/cli/progress';

function progressOn(isTTY: boolean) {
  const written: string[] = [];
  const clock = { nowMs: 0 };
  const progress = new Progress({ isTTY, write: (text) => written.push(text) }, () => clock.nowMs);
  return { progress, written, clock };
}

test('on a terminal a bar is drawn over and taken away at the end', () => {
  const { progress, written, clock } = progressOn(true);

  clock.nowMs = 100;
  progress.show(500, 1000);
  progress.show(501, 1000);
  clock.nowMs = 200;
  progress.show(1000, 1000);
  progress.clear();

  expect(written).toEqual([
    `\r\u001b[2K${'█'.repeat(15)}${'░'.repeat(15)} 500 of 1,000 (50 %)`,
    `\r\u001b[2K${'█'.repeat(30)} 1,000 of 1,000 (100 %)`,
    '\r\u001b[2K',
  ]);
});

test('elsewhere a plain line comes every five seconds', () => {
  const { progress, written, clock } = progressOn(false);

  for (clock.nowMs = 0; clock.nowMs <= 11_000; clock.nowMs += 1000) progress.show(clock.nowMs, 20_000);
  progress.clear();

  expect(written).toEqual(['checked 5,000 of 20,000 (25 %)\n', 'checked 10,000 of 20,000 (50 %)\n']);
});

test('a short check shows nothing', () => {
  const { progress, written } = progressOn(true);

  progress.show(1000, 1000);
  progress.clear();

  expect(written).toEqual([]);
});
