/** Whether a process is there and has not ended. */
export function isAlive(pid: number): Promise<boolean>;

/** Resolves to a process and all that it has started, itself first. */
export function processTree(pid: number): Promise<number[]>;

/** Resolves, once all of `pids` have ended, to true, or to false after `limitMs`. */
export function ended(pids: readonly number[], limitMs: number): Promise<boolean>;

/** Ends a process and all that it has started: by `politely`, and by SIGKILL what is there after `limitMs`. */
export function endTree(pid: number, politely: NodeJS.Signals, limitMs: number): Promise<void>;
