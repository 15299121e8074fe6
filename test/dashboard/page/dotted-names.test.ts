import { expect, test } from 'vitest';
import { addressOf, placeOf } from '../../../src/dashboard/page/routes.ts';

test.each(['.', '..', '...', 'a/../b', '~.', '~~..', '%2E', 'ü?#'])(
  'the stream %j has an address of its own',
  (name) => {
    const address = addressOf({ page: 'stream', name });

    const path = new URL(address, 'http://localhost/base/').pathname.slice('/base/'.length);
    expect(placeOf(path)).toEqual({ page: 'stream', name });
  },
);
