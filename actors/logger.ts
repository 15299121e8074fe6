/** The logger of a bus: what handlers write to. The library itself writes nothing to it. */

/** Fits `console`, and loggers that take a text first. */
export interface Logger {
  debug(message: string, fields?: object): void;
  info(message: string, fields?: object): void;
  warn(message: string, fields?: object): void;
  error(message: string, fields?: object): void;
}

/** `logger`, with `fields` under those of each call. */
export function loggerWith(logger: Logger, fields: object): Logger {
  const log = (level: keyof Logger) => (message: string, own?: object) => logger[level](message, { ...fields, ...own });
  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
}
