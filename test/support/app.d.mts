/** The frameworks an application can be made with. */
export const FRAMEWORKS: Readonly<Record<string, unknown>>;

/** Starts the application on a free port of the loopback address. */
export function startApp(options: {
  readonly framework?: string;
  readonly store?: object;
  readonly sessionOptions?: object;
  readonly middleware?: unknown;
}): Promise<{ readonly url: string; close(): Promise<void> }>;
