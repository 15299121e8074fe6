/** What an iteration gives, as an array. */

/** All items of `iterable`, or the first `limit`. */
export async function collect<Item>(iterable: AsyncIterable<Item>, limit = Number.POSITIVE_INFINITY): Promise<Item[]> {
  const items: Item[] = [];
  if (limit === 0) return items;
  for await (const item of iterable) {
    items.push(item);
    if (items.length === limit) break;
  }
  return items;
}

/** The next `count` items of an iterator that is used further. */
export async function take<Item>(iterator: AsyncIterator<Item>, count: number): Promise<Item[]> {
  const items: Item[] = [];
  while (items.length < count) {
    const step = await iterator.next();
    if (step.done === true) break;
    items.push(step.value);
  }
  return items;
}
