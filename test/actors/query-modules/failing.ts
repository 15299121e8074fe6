/** Queries that fail: by throwing, by forgetting, by what can't be cloned. `args` say where. */
import type { QueryDefinition } from '#actors/query';

interface Place {
  readonly place: 'init' | 'step' | 'merge' | 'finish';
  readonly isAsync: boolean;
}

class CardError extends Error {
  override readonly name = 'CardError';
  readonly code = 'CARD_DECLINED';
  readonly detail = { card: 4 };
}

function maybeFail(current: Place['place'], { place, isAsync }: Place): Promise<void> | undefined {
  if (place !== current) return undefined;
  const error = new CardError(`${place} declined`, { cause: new RangeError('too much') });
  if (isAsync) return Promise.reject(error);
  throw error;
}

export const query = {
  init: (args) => maybeFail('init', args)?.then(() => args) ?? args,
  step: (place, event) => (event.position === 1500 ? maybeFail('step', place)?.then(() => place) : undefined) ?? place,
  merge: (place) => maybeFail('merge', place)?.then(() => place) ?? place,
  finish: (place) => maybeFail('finish', place),
} satisfies QueryDefinition<Place, Place, unknown>;

const text = { init: () => '', step: (acc: unknown) => acc, merge: (acc: unknown) => acc };

export const forgetsInit = { ...text, init: () => undefined };
export const forgetsStep = { ...text, step: () => undefined };
export const forgetsStepLater = { ...text, step: async () => undefined };
export const forgetsMerge = { ...text, merge: () => undefined };
export const incomplete = { init: () => '', step: (acc: unknown) => acc };
export const throwsText = { ...text, step: () => Promise.reject('just text') };
export const functionInAccumulator = { ...text, init: () => ({ call: () => 1 }) };
export const functionAsResult = { ...text, finish: () => () => 1 };
export const nothing = null;
