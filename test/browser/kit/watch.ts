/**
 * What is wrong with a page that nobody asked for: errors on the console, errors of its script, and requests to anywhere but its
 * own origin.
 */
import type { Page } from 'playwright-core';

/** What `page` complains of, from now on; the array grows. */
export function watch(page: Page, origin: string): readonly string[] {
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`console: ${message.text()} (${message.location().url})`);
  });
  page.on('pageerror', (error) => complaints.push(`script: ${error.stack ?? error.message}`));
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.protocol !== 'data:' && url.origin !== origin) complaints.push(`request to ${request.url()}`);
  });
  page.on('websocket', (socket) => complaints.push(`websocket to ${socket.url()}`));
  return complaints;
}
