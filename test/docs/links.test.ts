import { existsSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { pagesOf, ROOT, textOf } from "../support/workshop.js";

const pages = pagesOf();

/** The text without what is code, where brackets are no links and number signs no headings. */
function proseOf(page: string): string {
  return textOf(page).replace(/^```.*?^```/gms, "");
}

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(page: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ""] of proseOf(page).matchAll(/^#+ (.+)$/gm)) {
    const plain = heading.toLowerCase().replace(/[^\p{L}\p{N}\p{M}_ -]/gu, "");
    const anchor = plain.replaceAll(" ", "-");
    let name = anchor;
    for (let i = 1; anchors.has(name); i += 1) name = `${anchor}-${i}`;
    anchors.add(name);
  }
  return anchors;
}

function linksOf(page: string): string[] {
  const prose = proseOf(page).replace(/`[^`\n]*`/g, "code");
  const links = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target);
  return links.filter((target) => !/^[a-z]+:/.test(target));
}

/** What is wrong with a link, or nothing. */
function fault(page: string, link: string): string | null {
  const [file = "", anchor] = link.split("#");
  const target = file === "" ? page : normalize(join(dirname(page), file));
  const path = join(ROOT, target);
  if (target.startsWith("..") || !existsSync(path)) return `${link}: there is no ${target}`;
  if (anchor === undefined || statSync(path).isDirectory()) return null;
  return anchorsOf(target).has(anchor) ? null : `${link}: ${target} has no such heading`;
}

describe("the pages of the documentation", () => {
  it("are found", () => {
    expect(pages).toContain("README.md");
    expect(pages).toContain("docs/store.md");
  });

  it.each(pages)("link to what exists: %s", (page) => {
    expect(linksOf(page).flatMap((link) => fault(page, link) ?? [])).toEqual([]);
  });

  it("can all be reached from README.md", () => {
    const reached = new Set(["README.md"]);
    for (const page of reached) {
      for (const link of linksOf(page)) {
        const target = normalize(join(dirname(page), link.split("#")[0] ?? ""));
        if (pages.includes(target)) reached.add(target);
      }
    }
    const documentation = pages.filter((page) => /^docs\/[^/]+\.md$/.test(page));

    expect(documentation.filter((page) => !reached.has(page))).toEqual([]);
  });
});
