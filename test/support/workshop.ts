import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

export const ROOT = resolve(__dirname, "../..");

export const textOf = (path: string): string => readFileSync(join(ROOT, path), "utf8");

/** The Markdown pages of the project; those that are not in git yet are about to be. */
export function pagesOf(): string[] {
  const args = ["ls-files", "--cached", "--others", "--exclude-standard", "*.md"];
  const listed = execFileSync("git", args, { cwd: ROOT, encoding: "utf8" });
  return listed.split("\n").filter((path) => path && existsSync(join(ROOT, path)));
}

/** The fenced blocks of a page in one language. */
export function blocksOf(path: string, language: string): string[] {
  const fence = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms");
  return [...textOf(path).matchAll(fence)].map(([, code = ""]) => code);
}

/** Which kind of module a piece of code is, by how it loads others. */
export function extensionOf(code: string): "cjs" | "mjs" {
  return /\brequire\(/.test(code) && !/^import /m.test(code) ? "cjs" : "mjs";
}

// What an application in the documentation may have installed, and where it is here.
const PACKAGES: Record<string, string> = {
  "@aws-sdk/client-dynamodb": "test/peers/node_modules/@aws-sdk/client-dynamodb",
  "connect-databank": ".",
  connect: "node_modules/connect3",
  databank: "node_modules/databank",
  express: "node_modules/express",
  "express-session": "node_modules/express-session",
  lmdb: "test/peers/node_modules/lmdb",
  mongodb: "test/peers/node_modules/mongodb",
  mysql2: "test/peers/node_modules/mysql2",
  pg: "test/peers/node_modules/pg",
};

/** A folder of its own, with the built package installed, where examples run as programs. */
export class Workshop {
  readonly folder = mkdtempSync(join(tmpdir(), "documentation-"));

  constructor() {
    for (const [name, place] of Object.entries(PACKAGES)) {
      const link = join(this.folder, "node_modules", name);
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(join(ROOT, place), link);
    }
  }

  write(file: string, code: string): string {
    const path = join(this.folder, file);
    writeFileSync(path, code);
    return path;
  }

  /** Runs a program to its end, and returns what it printed. */
  run(args: readonly string[], env: Record<string, string> = {}): string {
    return execFileSync(process.execPath, args, {
      cwd: this.folder,
      encoding: "utf8",
      env: { ...process.env, ...env },
      timeout: 170_000,
    });
  }

  /** Starts a program that goes on, and resolves to the first thing it prints. */
  async start(
    args: readonly string[],
    env: Record<string, string>,
  ): Promise<{ printed: string; stop(): Promise<void> }> {
    const child = spawn(process.execPath, args, {
      cwd: this.folder,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = once(child, "exit");
    const stop = async () => {
      child.kill();
      await ended;
    };
    const [printed] = await Promise.race([
      once(child.stdout, "data"),
      ended.then(() => {
        throw new Error("The program ended before it said anything");
      }),
    ]);
    return { printed: String(printed), stop };
  }

  close(): void {
    rmSync(this.folder, { recursive: true });
  }
}
