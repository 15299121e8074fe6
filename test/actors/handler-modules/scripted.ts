/** A handler that does what the events say, and logs each call: the test's logger sees it. */
import { setTimeout } from 'node:timers/promises';
import { threadId } from 'node:worker_threads';
import type { BusError, EventHandler } from '#store';

export type Act =
  | 'nothing'
  | 'wait'
  | 'throw'
  | 'throw-text'
  | 'loop'
  | 'never'
  | 'exit'
  | 'exception'
  | 'retry'
  | 'skip'
  | 'dead-letter'
  | 'stop'
  | 'append'
  | 'append-and-throw'
  | 'append-unawaited'
  | 'append-wrong'
  | 'append-class'
  | 'append-late'
  | 'log-much';

/** `times`: in so many attempts, then nothing. */
export type Scripted = { type: string; data: { act: Act; times?: number } };

export class CardError extends Error {
  override readonly name = 'CardError';
  readonly code = 'CARD_DECLINED';
}

let late: (() => Promise<unknown>) | undefined;

export const handle: EventHandler<Scripted> = async ({ data, position }, context) => {
  const { append, attempt, logger, retryIn, skip, deadLetter, stop } = context;
  logger.info('called', { thread: threadId });
  if (attempt > (data.times ?? Number.POSITIVE_INFINITY)) return undefined;
  switch (data.act) {
    case 'nothing':
      return undefined;
    case 'wait':
      return setTimeout(5);
    case 'throw':
      throw new CardError('declined', { cause: new RangeError('too much') });
    case 'throw-text':
      return Promise.reject('just text');
    case 'loop':
      for (;;);
    case 'never':
      return new Promise(() => {});
    case 'exit':
      return process.exit(3);
    case 'exception':
      setImmediate(() => {
        throw new CardError('in a callback');
      });
      return new Promise(() => {});
    case 'retry':
      return retryIn(1);
    case 'skip':
      return skip('not mine');
    case 'dead-letter':
      return deadLetter('hopeless');
    case 'stop':
      return stop('enough');
    case 'append':
      return append('out', { type: 'made', data: { act: 'nothing' } });
    case 'append-and-throw': {
      const data = { act: 'nothing', attempt } as Scripted['data'];
      const { duplicate } = await append('out', { type: 'made', data });
      logger.info('appended', { duplicate });
      throw new CardError('declined');
    }
    case 'append-unawaited':
      void append('out', { type: 'made', data: { act: 'nothing' } });
      late = () => append('out', { type: 'late', data: { act: 'nothing' } });
      return undefined;
    case 'append-wrong':
    case 'append-class': {
      const data = context.position > 0 && { act: 'nothing', value: new CardError('a class') };
      const [stream, type] = position % 2 === 0 ? ['', 'made'] : ['out', 'made'];
      return append(stream, { type, data: data as unknown as Scripted['data'] }).catch((error: BusError) => {
        logger.warn('refused', { code: error.code, name: error.name, detail: error.detail });
      });
    }
    case 'append-late':
      return late?.().catch((error: BusError) => logger.warn('refused', { code: error.code }));
    case 'log-much':
      for (let line = 0; line < 2500; line++) logger.debug('line', { line, call: () => line });
      return undefined;
  }
};
