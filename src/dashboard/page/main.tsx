/** The page begins: its styles, its links, its live connection, and the page that the address names. */
import './tokens.css';
import './base.css';
import './parts/parts.css';
import './parts/controls.css';
import { type ComponentType, render } from 'preact';
import { startLive } from './live.ts';
import { pages } from './pages/index.ts';
import { followLinks, place } from './route.ts';
import type { Place } from './routes.ts';
import { Shell } from './shell.tsx';

function App() {
  const here = place.value;
  const Shown = pages[here.page] as ComponentType<{ place: Place }>;
  return (
    <Shell>
      <Shown key={JSON.stringify(here)} place={here} />
    </Shell>
  );
}

followLinks();
startLive();
render(<App />, document.getElementById('page') as HTMLElement);
