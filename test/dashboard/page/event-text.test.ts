import { expect, test } from 'vitest';
import { eventText } from '../../../src/dashboard/page/pages/event-text.ts';

const header = { position: 3, stream: 'order-1', version: 2, type: 'placed', timeMs: 5, id: 'id-3' };

test('the text of an event is JSON with its data and metadata as the server wrote them', () => {
  const data = JSON.stringify({ big: 1, text: 'a\nb', list: [{ a: 1 }] }, undefined, 2).replace(
    '1',
    '12345678901234567890',
  );

  const text = eventText({ ...header, data, metadata: '{\n  "user": "ada"\n}', correlationId: 'c-1' });

  expect(text).toContain('12345678901234567890');
  expect(JSON.parse(text)).toEqual({
    ...header,
    correlationId: 'c-1',
    data: JSON.parse(data),
    metadata: { user: 'ada' },
  });
});

test('of a cut event only the header is copied, so that it is JSON', () => {
  const text = eventText({ ...header, data: '{ "a": [1, 2', cut: true });

  expect(JSON.parse(text)).toEqual(header);
});
