"use strict";
/*
 * Preloaded into the Node that jsii starts (see node_half.py). It does two things there:
 *
 * 1. It makes the bindings' index lazy. Their lib/index.js loads the JavaScript of every resource
 *    at once, in 2,212 lines of the form
 *        exports.s3Bucket = require("./s3-bucket");
 *    When that one file is compiled, each of those lines becomes a getter that loads its resource
 *    on first access and then turns into the plain property that it would have been. The file is
 *    recognised by where it lies in its package, by the package's name and version, and by the
 *    shape of every single line. Anything else is compiled as it is, with a note on stderr.
 *
 * 2. It lets jsii finish what it keeps for the next run. On the first run after an install jsii
 *    parses the bindings' 130 MB of type definitions, and writes an index of them in a worker
 *    thread, so that later runs need not. But at the end jsii leaves without waiting for that
 *    worker, and a run that is short because of (1) would end before it, every time: each run
 *    would parse all of it again (some 3 s and 1 GB). So the first run waits for the worker.
 */
const fs = require("node:fs");
const Module = require("node:module");
const path = require("node:path");
const workers = require("node:worker_threads");

const PACKAGE = "@cdktf/provider-aws";
const KNOWN_VERSION = "21.22.1";
const FOLDER = path.sep + path.join("node_modules", ...PACKAGE.split("/"));
const INDEX = path.join(FOLDER, "lib", "index.js");
const INDEXER = "runtime-index-worker.js";
const DONE = "burst.fast_bindings.done";
const LONGEST_INDEXING_MS = 60_000;

const EXPORT = /^exports\.([A-Za-z_$][\w$]*) = require\("\.\/([\w-]+)"\);$/;
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
  checkPackage(path.dirname(path.dirname(filename)));
  const folders = new Set(fs.readdirSync(path.dirname(filename)));
  const lines = source.split("\n");
  if (lines[0] !== '"use strict";') throw new UnknownLayout("lib/index.js starts differently");
  let lazy = 0;
  const changed = lines.map((line, index) => {
    const found = EXPORT.exec(line);
    if (found) {
      const [, name, folder] = found;
      if (!folders.has(folder)) throw new UnknownLayout(`lib/${folder} is missing`);
      lazy += 1;
      return `lazily("${name}", "./${folder}");`;
    }
    if (HARMLESS.some((shape) => shape.test(line))) return line;
    throw new UnknownLayout(`lib/index.js has an unknown line ${index + 1}`);
  });
  if (lazy === 0) throw new UnknownLayout("lib/index.js exports nothing");
  changed[0] += DEFINE_LAZILY; // on the same line: line numbers stay as they are
  return changed.join("\n");
}

function checkPackage(folder) {
  const { name, version } = JSON.parse(fs.readFileSync(path.join(folder, "package.json"), "utf8"));
  if (name !== PACKAGE) throw new UnknownLayout(`the package is called ${name}`);
  if (version !== KNOWN_VERSION) {
    throw new UnknownLayout(`version ${version} is installed and only ${KNOWN_VERSION} is known`);
  }
}

const DEFINE_LAZILY = ` function lazily(name, folder) {
  const plain = (value) => Object.defineProperty(exports, name,
    { value, writable: true, enumerable: true, configurable: true });
  Object.defineProperty(exports, name, {
    get: () => { const value = require(folder); plain(value); return value; },
    set: plain, enumerable: true, configurable: true });
}`.replace(/\n\s*/g, " ");

/** Watch for the one file; once it was seen, Node is as it was. */
function makeIndexLazy() {
  const compile = Module.prototype._compile;
  Module.prototype._compile = function (source, filename, ...rest) {
    let text = source;
    if (filename.endsWith(INDEX)) {
      if (Module.prototype._compile === hook) Module.prototype._compile = compile;
      try {
        text = lazyIndex(source, filename);
      } catch (error) {
        note(error.message);
      }
    }
    return compile.call(this, text, filename, ...rest);
  };
  const hook = Module.prototype._compile;
}

function note(reason) {
  const half = "fast_bindings: the Node half is off, the AWS bindings load the slow way: ";
  fs.writeSync(2, `${half}${reason}.\n`);
}

/** Have the thread that loads the bindings wait for the worker that indexes them. */
function waitForIndexing() {
  const { Worker } = workers;
  workers.Worker = class extends Worker {
    constructor(file, options) {
      const folder = options?.workerData?.packageDir;
      const indexesBindings = path.basename(String(file)) === INDEXER && folder?.endsWith(FOLDER);
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
const inUse = Symbol.for("burst.fast_bindings");
const wanted = process.env.JSII_AGENT && process.env.BURST_STOCK_BINDINGS !== "1";
if (wanted && !globalThis[inUse]) {
  globalThis[inUse] = true;
  if (workers.isMainThread) {
    makeIndexLazy();
    waitForIndexing();
  } else if (workers.workerData?.[DONE]) {
    reportEnd(workers.workerData[DONE]);
  }
}

module.exports = { lazyIndex };
