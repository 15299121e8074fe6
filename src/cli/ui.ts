/**
 * `varvebus ui`: the dashboard of a store, also of one that another process writes, until it is told to stop.
 */
import { once } from 'node:events';
import { type Command, exitCodes, numberOption } from './command.ts';
import { UsageError } from './failure.ts';
import { jsonLine } from './json-form.ts';
import { untilStopped } from './until-stopped.ts';

const portMax = 65_535;

export const uiCommand: Command = {
  options: { port: { type: 'string' } },
  prepare: (values) => {
    const port = numberOption(values, 'port') ?? 0;
    if (port > portMax) throw new UsageError(`--port must be at most ${portMax}, got ${port}`);
    return async ({ bus, output, json }) => {
      // Only now: the other commands do without it.
      const { dashboard } = await import('../dashboard/index.ts');
      const site = dashboard(bus);
      try {
        await untilStopped(async (signal) => {
          const { url } = await site.listen({ port });
          await output.write(json ? jsonLine({ url }) : `${url}\n`);
          if (!signal.aborted) await once(signal, 'abort');
        });
      } finally {
        await site.close();
      }
      return exitCodes.ok;
    };
  },
};
