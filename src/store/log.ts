/** A logger in the shape of bunyan, pino or the console. */
export interface Logger {
  debug(...args: unknown[]): void;
  error(...args: unknown[]): void;
  warn?(...args: unknown[]): void;
  child?(fields: Record<string, unknown>): Logger;
  isLevelEnabled?(level: string): boolean;
}

/** Whether something is a logger: it is known by its methods. */
export function isLogger(value: unknown): value is Logger {
  if (typeof value !== "object" || value === null) return false;
  const { debug, error } = value as Partial<Record<keyof Logger, unknown>>;
  return typeof debug === "function" && typeof error === "function";
}

/** Writes lines of fields and a message, or nothing at all when there is no logger. */
export class Log {
  readonly #logger: Logger | undefined;

  constructor(logger: Logger | undefined) {
    this.#logger = logger?.child?.({ component: "connect-databank" }) ?? logger;
  }

  /** @param fields - Called only if the line will be written: fingerprints cost something. */
  debug(message: string, fields: () => Record<string, unknown> = () => ({})): void {
    this.#tell((logger) => {
      if (logger.isLevelEnabled?.("debug") !== false) logger.debug(fields(), message);
    });
  }

  warn(message: string, fields: Record<string, unknown>): void {
    this.#tell((logger) => logger.warn?.(fields, message));
  }

  error(message: string, fields: Record<string, unknown>): void {
    this.#tell((logger) => logger.error(fields, message));
  }

  // A logger that fails, its disk full for instance, must not fail the session or end the process.
  #tell(write: (logger: Logger) => void): void {
    if (!this.#logger) return;
    try {
      write(this.#logger);
    } catch {
      // There is nobody left to tell.
    }
  }
}
