/**
 * What moved a machine, in words: the events that XState makes itself have long types. Those of users stay as they are. Pure;
 * charts have their own words (chart/event-label.ts), which know the machine.
 */
import { span } from './format.ts';

export function eventWords(type: string): string {
  const [, kind, rest = ''] = /^xstate\.(after|done\.actor|error\.actor|done\.state|snapshot)\.(.+)$/s.exec(type) ?? [];
  switch (kind) {
    case 'after': {
      const [, delay = rest] = /^([^.]+)\./s.exec(rest) ?? [];
      return `after ${/^\d+$/.test(delay) ? span(Number(delay)) : delay}`;
    }
    case 'done.actor':
      return `${rest} done`;
    case 'error.actor':
      return `${rest} failed`;
    case 'done.state':
      return `${rest.slice(rest.lastIndexOf('.') + 1)} done`;
    case 'snapshot':
      return `${rest} changed`;
    default:
      return type === '' ? 'at once' : type;
  }
}
