"use strict";
/*
 * Preloaded into the Node that jsii starts (see node_half.py). It does three things there:
 *
 * 1. It makes the bindings' index lazy. Their lib/index.js loads the JavaScript of every resource
 *    at once, in 2,212 lines of the form
 *        exports.s3Bucket = require("./s3-bucket");
 *    (the bindings of CDK Terrain: exports.s3Bucket = __importStar(require("./s3-bucket/index"));)
 *    When that one file is compiled, each of those lines becomes a getter that loads its resource
 *    on first access and then turns into the plain property that it would have been. The file is
 *    recognised by where it lies in its package, by the package's name and version, and by the
 *    shape of every single line. Anything else is compiled as it is, with a note on stderr.
 *
 * 2. It makes cdktf's archiver lazy, in the same way: lib/private/fs.js loads it, with some
 *    hundred files behind it, and needs it only where a stack has an asset to be zipped.
 *
 * 3. It lets jsii finish what it keeps for the next run. On the first run after an install jsii
 *    parses the bindings' 130 MB of type definitions, and writes an index of them in a worker
 *    thread, so that later runs need not. But at the end jsii leaves without waiting for that
 *    worker, and a run that is short because of (1) would end before it, every time: each run
 *    would parse all of it again (some 3 s and 1 GB). So the first run waits for the worker.
 */
const fs = require("node:fs");
const Module = require("node:module");
const path = require("node:path");
const workers = require("node:worker_threads");

const BINDINGS = [
  { name: "@cdktf/provider-aws", knownVersion: "21.22.1" },
  { name: "@cdktn/provider-aws", knownVersion: "25.8.1" },
].map((known) => ({
  ...known,
  file: "lib/index.js",
  change: lazyIndex,
  otherwise: "the Node half is off, the AWS bindings load the slow way",
}));
// Only this one has an archiver; CDK Terrain's has none any more.
const CDKTF = {
  name: "cdktf",
  knownVersion: "0.21.0",
  file: "lib/private/fs.js",
  change: lazyArchiver,
  otherwise: "cdktf loads its archiver whether it needs it or not",
};
const INDEXER = "runtime-index-worker.js";
const DONE = "burst.lazy_bindings.done";
const LONGEST_INDEXING_MS = 60_000;

const EXPORT =
  /^exports\.([A-Za-z_$][\w$]*) = (require\("\.\/([\w-]+)"\)|__importStar\(require\("\.\/([\w-]+)\/index"\)\));$/;
// What the TypeScript compiler writes at the top for __importStar; known by its text.
const HELPERS = {
  first: "var __createBinding = ",
  star: "var __importStar = ",
  last: "})();",
  sha256: "8e6104508704992850e74305fa04c156760116fdfe77648f152ee9cc744fc5f1",
};
// Every other line that the file may hold; none of them depends on a resource being loaded.
const HARMLESS = [
  /^$/,
  /^"use strict";$/,
  /^\/\*\*$/,
  /^ \*(?:\/| [^*]*)$/,
  /^\/\/.*$/,
  /^Object\.defineProperty\(exports, "__esModule", \{ value: true \}\);$/,
  /^(?:exports\.[A-Za-z_$][\w$]* = )+void 0;$/,
];

class UnknownLayout extends Error {}

/** The same lines with lazy exports; throws UnknownLayout where a line is not what we know. */
function lazyIndex(source, filename) {
  const folders = new Set(fs.readdirSync(path.dirname(filename)));
  const lines = source.split("\n");
  if (lines[0] !== '"use strict";') throw new UnknownLayout("lib/index.js starts differently");
  const helpers = linesOfHelpers(lines);
  let lazy = 0;
  const changed = lines.map((line, index) => {
    const found = EXPORT.exec(line);
    if (found) {
      const [, name, load, plain, starred] = found;
      const folder = plain ?? starred;
      if (!folders.has(folder)) throw new UnknownLayout(`lib/${folder} is missing`);
      lazy += 1;
      return `lazily("${name}", () => ${load});`;
    }
    if (helpers.has(index) || HARMLESS.some((shape) => shape.test(line))) return line;
    throw new UnknownLayout(`lib/index.js has an unknown line ${index + 1}`);
  });
  if (lazy === 0) throw new UnknownLayout("lib/index.js exports nothing");
  changed[0] += DEFINE_LAZILY; // on the same line: line numbers stay as they are
  return changed.join("\n");
}

/** The numbers of the lines with the compiler's helpers, where they are the known ones. */
function linesOfHelpers(lines) {
  const first = lines.findIndex((line) => line.startsWith(HELPERS.first));
  const star = lines.findIndex((line) => line.startsWith(HELPERS.star));
  const last = lines.indexOf(HELPERS.last, star);
  if (first < 0 || star < first || last < star) return new Set();
  const numbers = new Set();
  const hash = require("node:crypto").createHash("sha256");
  hash.update(lines.slice(first, last + 1).join("\n"));
  if (hash.digest("hex") !== HELPERS.sha256) return numbers;
  for (let number = first; number <= last; number += 1) numbers.add(number);
  return numbers;
}

const DEFINE_LAZILY = ` function lazily(name, load) {
  const plain = (value) => Object.defineProperty(exports, name,
    { value, writable: true, enumerable: true, configurable: true });
  Object.defineProperty(exports, name, {
    get: () => { const value = load(); plain(value); return value; },
    set: plain, enumerable: true, configurable: true });
}`.replace(/\n\s*/g, " ");

const ARCHIVER = 'const archiver = require("archiver");';
const LAZY_ARCHIVER = 'const archiver = (...given) => require("archiver")(...given);';

/** The same source with a lazy archiver; throws UnknownLayout where it does more than call it. */
function lazyArchiver(source) {
  const parts = source.split(ARCHIVER);
  if (parts.length !== 2 || parts.some((part) => /\barchiver\b(?!\()/.test(part))) {
    throw new UnknownLayout("lib/private/fs.js uses it differently");
  }
  return parts.join(LAZY_ARCHIVER);
}

function folderOf(known) {
  return path.sep + path.join("node_modules", ...known.name.split("/"));
}

function checkPackage(folder, known) {
  const { name, version } = JSON.parse(fs.readFileSync(path.join(folder, "package.json"), "utf8"));
  if (name !== known.name) throw new UnknownLayout(`the package is called ${name}`);
  if (version !== known.knownVersion) {
    throw new UnknownLayout(
      `version ${version} is installed and only ${known.knownVersion} is known`,
    );
  }
}

/** Watch for the known files; once the bindings' was seen, Node is as it was. */
function changeWhenCompiled(...packages) {
  const compile = Module.prototype._compile;
  Module.prototype._compile = function (source, filename, ...rest) {
    const known = packages.find((one) => filename.endsWith(path.join(folderOf(one), one.file)));
    let text = source;
    if (known) {
      const last = BINDINGS.includes(known); // they need cdktf, so it was loaded before
      if (last && Module.prototype._compile === hook) Module.prototype._compile = compile;
      try {
        checkPackage(filename.slice(0, -known.file.length - 1), known);
        text = known.change(source, filename);
      } catch (error) {
        fs.writeSync(2, `lazy_bindings: ${known.otherwise}: ${error.message}.\n`);
      }
    }
    return compile.call(this, text, filename, ...rest);
  };
  const hook = Module.prototype._compile;
}

/** Have the thread that loads the bindings wait for the worker that indexes them. */
function waitForIndexing() {
  const { Worker } = workers;
  workers.Worker = class extends Worker {
    constructor(file, options) {
      const folder = options?.workerData?.packageDir;
      const indexesBindings =
        path.basename(String(file)) === INDEXER &&
        BINDINGS.some((known) => folder?.endsWith(folderOf(known)));
      if (!indexesBindings) {
        super(file, options);
        return;
      }
      const done = new Int32Array(new SharedArrayBuffer(4));
      super(file, { ...options, workerData: { ...options.workerData, [DONE]: done } });
      Atomics.wait(done, 0, 0, LONGEST_INDEXING_MS);
    }
  };
}

/** In that worker, where this preload runs too: say when it ends, however it ends. */
function reportEnd(done) {
  process.on("exit", () => {
    Atomics.store(done, 0, 1);
    Atomics.notify(done, 0);
  });
}

// NODE_OPTIONS reaches every Node below this process, and only jsii's (it sets JSII_AGENT) loads
// the bindings. Another checkout may have put its own preload in front of this one.
const inUse = Symbol.for("burst.lazy_bindings");
const wanted = process.env.JSII_AGENT && process.env.BURST_STOCK_BINDINGS !== "1";
if (wanted && !globalThis[inUse]) {
  globalThis[inUse] = true;
  if (workers.isMainThread) {
    changeWhenCompiled(CDKTF, ...BINDINGS);
    waitForIndexing();
  } else if (workers.workerData?.[DONE]) {
    reportEnd(workers.workerData[DONE]);
  }
}
