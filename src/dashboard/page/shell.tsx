/** What stands around every page: the mark, the places, how the connection stands. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { StoreTopic } from '../wire.ts';
import { type Connection, connection, lostReason, reconnect, useTopic } from './live.ts';
import { Button } from './parts/button.tsx';
import { Chip } from './parts/chip.tsx';
import { Icon, Mark } from './parts/icon.tsx';
import { Link } from './parts/link.tsx';
import { Note } from './parts/panel.tsx';
import { Toasts } from './parts/toast.tsx';
import { placesFor } from './places.ts';
import { place } from './route.ts';

export function Shell({ children }: { readonly children: ComponentChildren }) {
  const about = useTopic<StoreTopic>('store')?.about;
  const here = place.value.page;
  const nav = useRef<HTMLElement>(null);
  // In a narrow window the places are a strip that scrolls.
  useEffect(() => {
    nav.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
  }, [here, about === undefined]);
  return (
    <div class="shell">
      <button type="button" class="skip" onClick={() => document.getElementById('room')?.focus()}>
        To the content
      </button>
      <header class="side">
        <div class="side-fixed">
          <Link to={{ page: 'overview' }} class="brand">
            <Mark />
            <span class="cut">{about?.title ?? 'varvebus'}</span>
          </Link>
          <nav ref={nav} class="places" aria-label="Pages">
            <ul>
              {placesFor(about?.machines).map(({ to, title, icon, has }) => (
                <li key={to.page}>
                  <Link to={to} {...(has.includes(here) && { current: true })}>
                    <Icon name={icon} />
                    {title}
                  </Link>
                </li>
              ))}
            </ul>
          </nav>
          <div class="side-foot">
            <ConnectionChip />
            {about !== undefined && (
              <span class="facts-line faint" title={about.path}>
                {about.source === 'file'
                  ? 'beside the app, read-only'
                  : `process ${about.pid ?? ''} · ${about.version}`}
              </span>
            )}
          </div>
        </div>
      </header>
      <main id="room" class={isOld(connection.value) ? 'room old' : 'room'} tabIndex={-1}>
        <ConnectionNote />
        {children}
      </main>
      <Toasts />
    </div>
  );
}

/** Whether what is shown is what was once: it is so without colours, which say how things are. */
function isOld(now: Connection): boolean {
  return now === 'lost' || now === 'refused';
}

const chips = {
  live: <Chip tone="good" icon="state-live" text="connected" />,
  connecting: <Chip tone="busy" icon="state-busy" text="connecting" />,
  lost: <Chip tone="bad" icon="state-fail" text="disconnected" />,
  refused: <Chip tone="bad" icon="state-fail" text="logged out" />,
  resting: <Chip icon="state-rest" text="resting" />,
} as const;

function ConnectionChip() {
  return (
    <div class="connection" role="status" aria-label="Connection">
      {chips[connection.value]}
    </div>
  );
}

function ConnectionNote() {
  const state = connection.value;
  if (!isOld(state)) return null;
  // That page says it itself.
  if (state === 'refused' && place.value.page === 'login') return null;
  return (
    <div class="connection-note" role="alert">
      <Note
        tone="bad"
        end={
          <Button icon="retry" onClick={reconnect}>
            Try now
          </Button>
        }
      >
        {state === 'refused'
          ? 'This login is no longer good. Open the link that the app prints, or take a new one.'
          : `${lostReason.value === '' ? 'The app does not answer' : `There are no updates (${lostReason.value})`}: what is shown is old. It is tried again every few seconds.`}
      </Note>
    </div>
  );
}
