/**
 * The shapes of the icons, as SVG paths, 16 by 16: lines, and filled ones. Pure; icon.tsx draws them.
 */
export const shapes = {
  overview: 'M2 9.5h3l2-6 3 9 2-3h2',
  streams: 'M2 4h12M2 8h12M2 12h8',
  tail: 'M8 2v9M4.5 7.5 8 11l3.5-3.5M3 14h10',
  letters: 'M2 4h12v8.5H2zM2 4.5 8 9l6-4.5',
  projections: 'M2.5 13.5v-4h3v4zM6.5 13.5v-8h3v8zM10.5 13.5v-11h3v11z',
  actors:
    'M8 2.5v3M3.5 10.5v-2.5h9v2.5M8 5.5v2.5M6.5 2.5h3v-.01M2 10.5h3v3h-3zM11 10.5h3v3h-3zM6.5 10.5h3v3h-3zM8 8v2.5',
  machines:
    'M2 5.5a2 2 0 0 1 2-2h2a2 2 0 0 1 0 4h-2a2 2 0 0 1-2-2zM8 10.5a2 2 0 0 1 2-2h2a2 2 0 0 1 0 4h-2a2 2 0 0 1-2-2zM8.5 5.5h3v2',
  check: 'm3 8.5 3.2 3.2L13 5',
  play: 'M5 3.2v9.6L12.5 8z',
  stop: 'M4 4h8v8H4z',
  pause: 'M5 3.5v9M11 3.5v9',
  retry: 'M13 3v3.5H9.5M13 6.5A5.5 5.5 0 1 0 13.4 9',
  skip: 'M3 3.5 9.5 8 3 12.5zM12.5 3.5v9',
  reset: 'M3 3v3.5h3.5M3 6.5A5.5 5.5 0 1 1 2.6 9',
  cross: 'm4 4 8 8M12 4l-8 8',
  alert: 'M8 2 14.5 13.5h-13zM8 6.5v3.2M8 11.6v.01',
  failed: 'M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8zM8 4.8v3.8M8 11v.01',
  clock: 'M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8zM8 4.5V8l2.4 1.6',
  search: 'M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.3 10.3 14 14',
  right: 'm6 3.5 4.5 4.5L6 12.5',
  down: 'm3.5 6 4.5 4.5L12.5 6',
  up: 'm3.5 10.5 4.5-4.5 4.5 4.5',
  left: 'M10 3.5 5.5 8l4.5 4.5',
  follow: 'M8 1.5v2.6M8 11.9v2.6M1.5 8h2.6M11.9 8h2.6M8 4.1a3.9 3.9 0 1 0 0 7.8 3.9 3.9 0 0 0 0-7.8zM8 7.4v1.2',
  whole: 'M6.5 9.5 2.5 13.5M2.5 10v3.5H6M9.5 6.5l4-4M10 2.5h3.5V6M2.5 6V2.5H6M13.5 10v3.5H10',
  larger: 'M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.3 10.3 14 14M7 5v4M5 7h4',
  lock: 'M4 7.5h8v6H4zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5',
  erased: 'M3 3l10 10M5 3h6.5l-.4 5M10.5 13h-5.8L4 5.5',
  link: 'M6.8 9.2a2.6 2.6 0 0 0 3.7 0l2-2a2.6 2.6 0 0 0-3.7-3.7l-.8.8M9.2 6.8a2.6 2.6 0 0 0-3.7 0l-2 2a2.6 2.6 0 0 0 3.7 3.7l.8-.8',
  copy: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3',
  filter: 'M2 3.5h12L9.5 9v4.5l-3-1.5V9z',
  trash: 'M3 4.5h10M6 4.5v-2h4v2M4.5 4.5l.6 9h5.8l.6-9',
  spinner: 'M8 2a6 6 0 1 1-6 6',
  dot: 'M8 6.8a1.2 1.2 0 1 0 0 2.4 1.2 1.2 0 0 0 0-2.4z',
} as const;

/** Filled, for what is drawn small, in chips. */
export const solid = {
  'state-live': 'M8 3.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9z',
  'state-busy': 'M4 3l8 5-8 5z',
  'state-rest': 'M4 3.5h3v9H4zM9 3.5h3v9H9z',
  'state-stop': 'M4 4h8v8H4z',
  'state-wait': 'M3.5 2.5h9v2L9.2 8l3.3 3.5v2h-9v-2L6.8 8 3.5 4.5z',
  'state-fail': 'M8 2.2 14.6 13.6H1.4z',
  'state-odd': 'M8 1.8 14.2 8 8 14.2 1.8 8z',
} as const;

export type IconName = keyof typeof shapes | keyof typeof solid;
