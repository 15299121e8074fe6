/**
 * What '#store' means with TEST_SEALED: the same, and stores are encrypted unless `encryption` says otherwise. Programs that
 * know nothing of it run so, too.
 */
import { openBus as openPlainBus } from '#kernel/index';
import { withTestKey } from './test-key.ts';

export * from '#kernel/index';

export const openBus: typeof openPlainBus = (options: Parameters<typeof openPlainBus>[0]) =>
  openPlainBus(typeof options === 'object' ? withTestKey(options) : options);
