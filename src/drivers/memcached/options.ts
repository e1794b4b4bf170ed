import {
  checkNames,
  invalidOption,
  isInsteadOfUrl,
  text,
  wholeNumber,
  withoutUndefined,
} from "../../databank/options.js";
import type { DriverOptions } from "../../databank/registry.js";
import { pathAndOptions } from "../driver-url.js";
import type { Address } from "./link.js";

/** Which servers hold the entries. */
export type MemcachedOptions = MemcachedUrlOptions | MemcachedServersOptions;

interface CommonOptions {
  /**
   * What all keys begin with, so that several programs can share the servers: up to 100 printable
   * characters of ASCII without spaces.
   * @default ""
   */
  readonly prefix?: string;
  /**
   * The longest value, in bytes. Servers that were started with another `-I` than 1m hold about
   * 50,000 bytes less than that. What is longer is refused before it is sent, because memcached
   * drops the old value when it refuses a new one.
   * @default 1_000_000
   */
  readonly maxValueBytes?: number;
}

/** The servers as a URL. */
export interface MemcachedUrlOptions extends CommonOptions {
  /**
   * `memcached://127.0.0.1:11211`, or several, separated by commas. The other options may be its
   * parameters: `memcached://a,b?prefix=shop:`.
   */
  readonly url: string;
}

/** The servers as a list. */
export interface MemcachedServersOptions extends CommonOptions {
  /** Each as `host` or `host:port`; the port is 11211 by default. */
  readonly servers: readonly string[];
}

/** Options, checked and complete. */
export interface Settings {
  readonly servers: readonly Address[];
  readonly prefix: string;
  readonly maxValueBytes: number;
}

const COMMON = ["prefix", "maxValueBytes"];
const PORT = 11_211;
const MAX_PREFIX = 100;
const EXAMPLE = "memcached://127.0.0.1:11211 or memcached://first,second:11212";

/** @throws DatabankError `DATABANK_INVALID_OPTION`. */
export function resolveOptions(options: MemcachedOptions): Settings {
  const isList = isInsteadOfUrl(options, "servers");
  const source = isList ? "servers" : "url";
  checkNames("The memcached driver", options, [source, ...COMMON]);
  const given = isList ? { ...options } : { ...fromUrl(options.url), ...withoutUndefined(options) };
  const { servers, prefix = "", maxValueBytes = 1_000_000 } = given as MemcachedServersOptions;
  if (!Array.isArray(servers) || servers.length === 0) {
    throw invalidOption("servers must be an array of one or more texts such as 127.0.0.1:11211");
  }
  const addresses = servers.map((server) => addressOf(text("Each of servers", server)));
  const names = addresses.map(({ host, port }) => `${host}:${port}`);
  if (new Set(names).size < names.length) {
    throw invalidOption("servers must not name one server twice");
  }
  return {
    servers: addresses,
    prefix: checkedPrefix(prefix),
    maxValueBytes: wholeNumber("maxValueBytes", maxValueBytes, 1),
  };
}

function fromUrl(given: unknown): DriverOptions {
  const url = text("url", given);
  const [, authority, query] = /^memcached:\/\/([^/?#]+)\/?(?:\?(.*))?$/s.exec(url) ?? [];
  if (authority === undefined) {
    throw invalidOption(`A memcached URL names servers and nothing else, such as ${EXAMPLE}`);
  }
  if (authority.includes("@")) {
    throw invalidOption(
      "A memcached URL has no user and no password: the driver works with servers that ask for none",
    );
  }
  const { options } = pathAndOptions(`memcached:?${query ?? ""}`, {
    prefix: "text",
    maxValueBytes: "number",
  });
  checkNames("A memcached URL", options, COMMON);
  return { ...options, servers: authority.split(",") };
}

function addressOf(server: string): Address {
  const [, bracketed, plain, port] =
    /^(?:\[([\da-f:.%]+)\]|([\w.-]+))(?::(\d{1,5}))?$/i.exec(server) ?? [];
  const host = bracketed ?? plain;
  const number = port === undefined ? PORT : Number(port);
  if (host === undefined || number < 1 || number > 65_535) {
    throw invalidOption(
      `Each server must be a host and a port, such as 127.0.0.1:${PORT} or [::1]:${PORT}`,
    );
  }
  return { host: host.toLowerCase(), port: number };
}

function checkedPrefix(prefix: unknown): string {
  if (typeof prefix === "string" && prefix.length <= MAX_PREFIX && /^[!-~]*$/.test(prefix)) {
    return prefix;
  }
  throw invalidOption(
    `prefix must be a text of up to ${MAX_PREFIX} printable characters of ASCII without spaces`,
  );
}
