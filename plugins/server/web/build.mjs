// Builds what a browser loads into the package, with the licences of what is in it.
// The same sources give the same bytes: `nox -s web` builds again and compares.

import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const target = process.argv[2] ?? "../launchkit_server/web/static";
const shared = {
  bundle: true,
  minify: true,
  charset: "utf8",
  legalComments: "none", // LICENSES.txt has them, whole
  target: ["es2022"],
  logLevel: "warning",
  outdir: target,
  metafile: true,
};
const modules = await build({
  ...shared,
  format: "esm",
  entryPoints: ["src/app.ts", "src/editor.ts", "src/charts.ts", "src/log.ts", "src/parts.css"],
});
const scripts = await build({
  ...shared,
  format: "iife",
  entryPoints: ["src/leaving.ts", "src/theme.ts", "src/stream.ts"],
});
writeFileSync(join(target, "LICENSES.txt"), licences([modules, scripts]));

function licences(builds) {
  const inputs = builds.flatMap((one) => Object.keys(one.metafile.inputs));
  const names = inputs.map((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]);
  const texts = [...new Set(names.filter(Boolean))].sort().map((name) => {
    const folder = join("node_modules", name);
    const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
    if (!file) throw new Error(`${name} has no licence in its package`);
    const text = readFileSync(join(folder, file), "utf8").replaceAll("\r\n", "\n").trim();
    return `${name} ${version} (${license})\n\n${text}\n`;
  });
  return texts.join(`\n${"-".repeat(80)}\n\n`);
}
