import {
  checkNames,
  invalidOption,
  similarTo,
  text,
  withoutUndefined,
} from "../databank/options.js";
import type { DriverOptions } from "../databank/registry.js";

/** What a text in a URL stands for. */
export type OptionKind = "boolean" | "number" | "text";

/** The options of a driver that URLs can set, and what each is. */
export type OptionKinds = Readonly<Record<string, OptionKind>>;

const OF_EVERY_DATABANK = new Map<string, OptionKind>([
  ["timeoutMs", "number"],
  ["maxPending", "number"],
]);

/** What a client has, in small letters, and only looks like one of ours that is misspelt. */
const OF_CLIENTS = ["wtimeoutms"];

/**
 * Takes a URL apart that says where in this computer something is: `memory:`, `disk:./sessions`,
 * `disk:/var/lib/sessions`, `disk:///var/lib/sessions?mode=384`.
 *
 * @returns The path, decoded, "" where there is none, and the parameters as options.
 * @throws DatabankError `DATABANK_INVALID_OPTION`.
 */
export function pathAndOptions(
  url: string,
  kinds: OptionKinds,
): { path: string; options: DriverOptions } {
  const [, scheme = "", rest = "", query = ""] = /^([^:]+):([^?]*)\??(.*)$/s.exec(url) ?? [];
  const entries = [...new URLSearchParams(query)].map(
    ([name, value]) => [name, optionFrom(name, value, kinds)] as const,
  );
  return { path: pathIn(scheme, rest), options: Object.fromEntries(entries) };
}

/**
 * Takes from a server's URL the parameters that are options, and leaves the others to the client.
 *
 * @returns The URL without them, and the options, those of every databank included.
 * @throws DatabankError `DATABANK_INVALID_OPTION`, also where one of the others looks misspelt.
 */
export function urlAndOptions(
  url: string,
  kinds: OptionKinds,
): { url: string; options: DriverOptions } {
  const [base = "", query] = url.split(/\?(.*)/s);
  if (query === undefined) return { url, options: {} };
  const names = [...Object.keys(kinds), ...OF_EVERY_DATABANK.keys()];
  const rest: string[] = [];
  const options: Record<string, unknown> = {};
  for (const parameter of query.split("&")) {
    const [[name, value] = ["", ""]] = new URLSearchParams(parameter);
    if (names.includes(name)) options[name] = optionFrom(name, value, kinds);
    else rest.push(parameter);
    const isKnown = names.includes(name) || OF_CLIENTS.includes(name.toLowerCase());
    const similar = isKnown ? undefined : similarTo(name, names);
    if (similar) throw invalidOption(`The URL has no option ${name}; did you mean ${similar}?`);
  }
  return { url: rest.length > 0 ? `${base}?${rest.join("&")}` : base, options };
}

/** What a driver's own options have in common that come with a URL. */
interface WithUrl {
  readonly url: string;
}

/**
 * Options with those that their URL sets, where they do not say otherwise themselves. `url` is what
 * is left for the client.
 *
 * @param subject - What the URL is called in messages, such as "A mysql URL".
 * @throws DatabankError `DATABANK_INVALID_OPTION`.
 */
export function withUrlOptions<T extends WithUrl>(
  subject: string,
  options: T,
  kinds: OptionKinds,
): T {
  const { url, options: inUrl } = urlAndOptions(text("url", options.url), kinds);
  return { ...joined(subject, inUrl, options, kinds), url };
}

/** Like `withUrlOptions`, for a URL that says where in this computer something is. */
export function withPathOptions<T extends WithUrl>(
  subject: string,
  options: T,
  kinds: OptionKinds,
): T & { readonly path: string } {
  const { path, options: inUrl } = pathAndOptions(text("url", options.url), kinds);
  return { ...joined(subject, inUrl, options, kinds), path };
}

function joined<T extends object>(
  subject: string,
  inUrl: DriverOptions,
  options: T,
  kinds: OptionKinds,
): T {
  checkNames(subject, inUrl, Object.keys(kinds));
  // Said to be of their types, which each driver still checks.
  return { ...inUrl, ...withoutUndefined(options) };
}

function pathIn(scheme: string, rest: string): string {
  if (rest.startsWith("//") && !rest.startsWith("///") && rest !== "//") {
    throw invalidOption(
      `A ${scheme} URL names no host; write ${scheme}:./path or ${scheme}:///path`,
    );
  }
  try {
    return decodeURIComponent(rest.replace(/^\/\//, ""));
  } catch (cause) {
    throw invalidOption(`The path of a ${scheme} URL must have its % written as %25`, cause);
  }
}

// An unknown name is left as it is: the driver knows what it may have been meant for.
function optionFrom(name: string, value: string, kinds: OptionKinds): unknown {
  const kind = Object.hasOwn(kinds, name) ? kinds[name] : (OF_EVERY_DATABANK.get(name) ?? "text");
  if (kind === "text") return value;
  if (kind === "number" && value.trim() !== "" && Number.isFinite(Number(value))) {
    return Number(value);
  }
  if (kind === "boolean" && ["true", "false"].includes(value)) return value === "true";
  throw invalidOption(
    kind === "boolean" ? `${name} must be true or false` : `${name} must be a number`,
  );
}
