/**
 * Where the page is: follows the browser's address, moves without loading, and keeps what is chosen (filters, tabs, the selected
 * lane) in the query, so that an address can be shared.
 */
import { computed, type ReadonlySignal, signal } from '@preact/signals';
import { type Place, placeOf, type Query, queryText } from './routes.ts';

const base = new URL(document.baseURI);

function pathNow(): string {
  return location.pathname.startsWith(base.pathname) ? location.pathname.slice(base.pathname.length) : '';
}

const path = signal(pathNow());
const search = signal(location.search);

export const place: ReadonlySignal<Place> = computed(() => placeOf(path.value));
const query = computed(() => new URLSearchParams(search.value));

/** Goes to an address relative to the base. */
function go(address: string, { replace = false }: { readonly replace?: boolean } = {}): void {
  const url = new URL(address, base);
  // As browsers do it: who goes to where one is does not have to go back from there.
  if (replace || url.href === location.href) history.replaceState(null, '', url);
  else history.pushState(null, '', url);
  const isElsewhere = pathNow() !== path.peek();
  follow();
  if (isElsewhere && !replace) scrollTo(0, 0);
}

/**
 * A value of the query, `''` without, and how to set it; `''` takes it away. Setting does not add to the history, unless it is
 * said to.
 */
export function useParam(name: string): [value: string, set: (value: string, push?: boolean) => void] {
  return [query.value.get(name) ?? '', (value, push = false) => setParams({ [name]: value }, push)];
}

/** Sets several values of the query at once; the others stay. */
export function setParams(changes: Query, push = false): void {
  const all: Record<string, string> = Object.fromEntries(query.peek());
  const text = queryText({ ...all, ...changes });
  go((path.peek() || './') + (text === '' ? '' : `?${text}`), { replace: !push });
}

/** From now on links inside the page move without loading. */
export function followLinks(): void {
  addEventListener('popstate', follow);
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (link === null || link.target !== '' || link.hasAttribute('download')) return;
    const url = new URL(link.href);
    if (url.origin !== base.origin || !url.pathname.startsWith(base.pathname)) return;
    const rest = url.pathname.slice(base.pathname.length);
    if (rest.startsWith('api/') || rest.startsWith('assets/')) return;
    event.preventDefault();
    go(rest === '' ? `./${url.search}` : `${rest}${url.search}`);
  });
}

function follow(): void {
  path.value = pathNow();
  search.value = location.search;
}
