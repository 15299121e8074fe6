import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type JsonNode, readJson } from '../../../src/dashboard/page/parts/json-tree.ts';

/** The value that a tree stands for. */
function meaning(node: JsonNode): unknown {
  if (node.kind === 'array') return node.values.map(meaning);
  if (node.kind === 'object') {
    const value: Record<string, unknown> = Object.create(null);
    node.values.forEach((member, index) => {
      value[node.keys[index] as string] = meaning(member);
    });
    return value;
  }
  return node.kind === 'string' ? node.text : JSON.parse((node as { text: string }).text);
}

test('the tree of any JSON text stands for the value that JSON.parse gives', () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom(undefined, 2), (text, indent) => {
      const given = JSON.stringify(JSON.parse(text), undefined, indent);

      const tree = readJson(given);

      expect(JSON.stringify(meaning(tree as JsonNode))).toBe(JSON.stringify(JSON.parse(given)));
    }),
  );
});

test('what JSON.parse refuses has no tree', () => {
  const words = fc.constantFrom('{', '}', '[', ']', ',', ':', '"a"', '"\\x"', '1', '01', '-', 'tru', 'true', ' ', '1.');
  fc.assert(
    fc.property(fc.array(words, { maxLength: 8 }), (parts) => {
      const text = parts.join('');
      let isJson = true;
      try {
        JSON.parse(text);
      } catch {
        isJson = false;
      }

      expect(readJson(text) !== undefined).toBe(isJson);
    }),
    { numRuns: 2_000 },
  );
});

test.each(['[1 11]', '["a"{1]', '{"a":1 "b":2}', '{"a" 1}', '[1,]', '{"a":1,}', '[1', '"a', '[1] 2', '{1:2}', '', ' '])(
  '%j has no tree',
  (text) => {
    expect(readJson(text)).toBeUndefined();
  },
);

test('a text that was cut anywhere still has the tree of what is there', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), fc.nat(), (json, cutAt) => {
      const whole = JSON.stringify(JSON.parse(json), undefined, 2);
      const text = whole.slice(0, cutAt % whole.length);

      const tree = readJson(text, true);

      // Nothing of the first value is there, or it begins as the whole does.
      if (tree !== undefined) expect(tree.kind).toBe(readJson(whole)?.kind);
      if (/^\s*[[{"]/.test(text)) expect(tree).toBeDefined();
      for (const branch of branches(tree)) {
        if (branch.kind === 'object') expect(branch.keys).toHaveLength(branch.values.length);
      }
    }),
  );
});

test('numbers keep their digits and a repeated property is shown twice', () => {
  const tree = readJson('{"n": 12345678901234567890, "n": 1.50}');

  expect(tree).toEqual({
    kind: 'object',
    keys: ['n', 'n'],
    values: [
      { kind: 'number', text: '12345678901234567890' },
      { kind: 'number', text: '1.50' },
    ],
  });
});

test('a string cut in the middle of an escape shows what is before it', () => {
  const tree = readJson('["ab\\u00', true);

  expect(tree).toEqual({
    kind: 'array',
    keys: [],
    values: [{ kind: 'string', text: 'ab', isCut: true }],
    isCut: true,
  });
});

test('twenty thousand levels are read without using up the stack', () => {
  const depth = 20_000;

  const tree = readJson('['.repeat(depth) + ']'.repeat(depth));

  expect(tree?.kind).toBe('array');
});

function branches(node: JsonNode | undefined): Extract<JsonNode, { values: readonly JsonNode[] }>[] {
  if (node === undefined || !('values' in node)) return [];
  return [node, ...node.values.flatMap(branches)];
}
