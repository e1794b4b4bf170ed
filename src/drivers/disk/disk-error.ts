import { DatabankError } from "../../databank/errors.js";

const ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full; free some space",
  EDQUOT: "the quota is used up; free some space",
  EFBIG: "the file would be larger than allowed; raise the limit",
  EROFS: "it is on a read-only file system; mount it for writing or choose another folder",
  EACCES:
    "the user of this process may not read or write there; change its owner or choose another folder",
  EPERM: "the user of this process may not do that there; use a local folder of its own",
  ENOTDIR: "a part of that path is a file; choose another folder",
  EEXIST: "there is a file of that name; choose another folder",
  ENAMETOOLONG: "its path is too long; choose another folder",
  ENOTSUP: "its file system has no hard links; use a local folder",
  EOPNOTSUPP: "its file system has no hard links; use a local folder",
  ENOSYS: "its file system has no hard links; use a local folder",
  EMFILE: "too many files are open; raise the limit of open files",
  ENFILE: "too many files are open; raise the limit of open files",
};

// These say something about this process, not about the file that it was going to open.
const OF_THE_PROCESS: readonly unknown[] = ["EMFILE", "ENFILE", "ENOMEM", "EAGAIN"];

/** The code of a system error, such as `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  const code: unknown = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}

/** Whether there is no such file: nothing of that name, or a file where a folder is looked for. */
export function isMissing(error: unknown): boolean {
  const code = codeOf(error);
  return code === "ENOENT" || code === "ENOTDIR";
}

/** Whether a file could not be read for want of something that has nothing to do with it. */
export function isOfTheProcess(error: unknown): boolean {
  return OF_THE_PROCESS.includes(codeOf(error));
}

/** Says in which folder something went wrong, and what to do. */
export function diskError(dir: string, cause: unknown): DatabankError {
  if (cause instanceof DatabankError) return cause;
  const code = codeOf(cause);
  const advice = (code && ADVICE[code]) ?? "see the cause of this error";
  return new DatabankError(`The folder ${dir} cannot be used (${code ?? "unknown"}): ${advice}`, {
    cause,
  });
}
