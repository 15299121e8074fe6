/**
 * The places of the page as paths under its base, and back. A place can be shared: everything that is chosen stands in its path
 * or its query. Pure: route.ts has the browser's part.
 */

/** `position`, `name` and `id` as they were written by whoever made the link: they may name nothing that exists. */
export type Place =
  | { readonly page: 'overview' }
  | { readonly page: 'processor'; readonly name: string }
  | { readonly page: 'streams' }
  | { readonly page: 'stream'; readonly name: string }
  | { readonly page: 'event'; readonly position: string }
  | { readonly page: 'tail' }
  | { readonly page: 'dead-letters' }
  | { readonly page: 'projections' }
  | { readonly page: 'projection'; readonly name: string }
  | { readonly page: 'actors' }
  | { readonly page: 'machines' }
  | { readonly page: 'machine'; readonly id: string }
  | { readonly page: 'login' }
  | { readonly page: 'unknown' };

export type PageName = Place['page'];

/** Values that are `undefined` or empty are left out. */
export type Query = Readonly<Record<string, string | number | undefined>>;

/** The place at `path`, which is relative to the base and has neither query nor hash: `'streams/order-7'`. */
export function placeOf(path: string): Place {
  const segments = path.split('/').filter((segment) => segment !== '');
  const [first, second] = segments.map(decoded);
  if (first === undefined) return segments.length === 0 ? { page: 'overview' } : { page: 'unknown' };
  if (segments.length > 2 || (segments.length === 2 && second === undefined)) return { page: 'unknown' };
  switch (first) {
    case 'processors':
      return second === undefined ? { page: 'overview' } : { page: 'processor', name: second };
    case 'streams':
      return second === undefined ? { page: 'streams' } : { page: 'stream', name: second };
    case 'events':
      return second === undefined ? { page: 'tail' } : { page: 'event', position: second };
    case 'projections':
      return second === undefined ? { page: 'projections' } : { page: 'projection', name: second };
    case 'machines':
      return second === undefined ? { page: 'machines' } : { page: 'machine', id: second };
    case 'tail':
    case 'dead-letters':
    case 'actors':
    case 'login':
      return second === undefined ? { page: first } : { page: 'unknown' };
    default:
      return { page: 'unknown' };
  }
}

/** The address of a place, relative to the base: `'streams/order-7?from=3'`. The overview is `'./'`. */
export function addressOf(place: Place, query: Query = {}): string {
  const path = pathOf(place);
  const text = queryText(query);
  return text === '' ? path : `${path}?${text}`;
}

export function queryText(query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== '') parameters.set(name, String(value));
  return parameters.toString();
}

function pathOf(place: Place): string {
  switch (place.page) {
    case 'overview':
    case 'unknown':
      return './';
    case 'processor':
      return `processors/${encoded(place.name)}`;
    case 'stream':
      return `streams/${encoded(place.name)}`;
    case 'event':
      return `events/${encoded(place.position)}`;
    case 'projection':
      return `projections/${encoded(place.name)}`;
    case 'machine':
      return `machines/${encoded(place.id)}`;
    default:
      return place.page;
  }
}

/** Browsers take `.` and `..` for steps, even when they are encoded: so these get a `~`, and those that look like it one more. */
function encoded(name: string): string {
  return encodeURIComponent(/^~*\.\.?$/.test(name) ? `~${name}` : name);
}

function decoded(segment: string): string | undefined {
  try {
    const name = decodeURIComponent(segment);
    return /^~+\.\.?$/.test(name) ? name.slice(1) : name;
  } catch {
    // Not made by us: a lone %.
    return undefined;
  }
}
