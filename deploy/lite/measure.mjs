// What Python in a browser can and cannot do, as README.md says it: run in Node.js, with Pyodide's core from npm.
//
//   npm install pyodide@314.0.6          in some other folder
//   node deploy/lite/measure.mjs FOLDER/node_modules/pyodide
//
// Recursion that may end the interpreter is tried last, each time in a process of its own.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const pyodide = resolve(process.argv[2] ?? ".");
const { loadPyodide } = await import(pathToFileURL(`${pyodide}/pyodide.mjs`));
const timeLimit = fileURLToPath(new URL("../../bptt_lessons/course/time_limit.py", import.meta.url));

async function python() {
  const started = await loadPyodide();
  started.FS.writeFile("/home/pyodide/time_limit.py", readFileSync(timeLimit));
  return started;
}

const FACTS = `
import os, sys, threading, time, tracemalloc
import time_limit

def told(name, ask):
    try:
        print(f"{name}: {ask()}")
    except BaseException as error:
        print(f"{name}: {type(error).__name__}: {error}")

def locked_twice():
    import fcntl
    files = [os.open("lock", os.O_RDWR | os.O_CREAT) for _ in range(2)]
    return [fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB) for file in files]

def appended():
    files = [os.open("lines", os.O_RDWR | os.O_CREAT | os.O_APPEND) for _ in range(2)]
    for number in range(4):
        os.write(files[number % 2], b"%d" % number)
    return [os.fsync(file) for file in files], open("lines").read()

print(sys.version, sys.platform, "recursion limit", sys.getrecursionlimit())
told("start a thread", lambda: threading.Thread(target=print).start())
for name in ("fcntl", "msvcrt", "resource", "subprocess", "signal", "pydoc_data.topics"):
    told(f"import {name}", lambda: __import__(name).__name__)
told("lock a file twice", locked_twice)
told("append from two, fsync", appended)
told("replace", lambda: os.replace("lines", "moved"))
told("link", lambda: os.link("moved", "linked"))
told("fork", lambda: os.fork())
tracemalloc.start()
kept = bytearray(10**6)
told("memory counted", tracemalloc.get_traced_memory)
tracemalloc.stop()

def endless():
    while True:
        pass

def deaf():
    while True:
        try:
            while True:
                sum(range(10))
        except BaseException:
            pass

for function in (endless, deaf):
    start = time.monotonic()
    line = time_limit.called_within(0.3, function, function.__code__).line
    print(f"{function.__name__}: stopped at line {line} after {time.monotonic() - start:.2f} s of 0.3")

def rounds(count=5_000):
    total = 0
    for number in range(count):
        a = number * 2
        b = a + 1
        c = b - a
        total += c

def microseconds(run):
    best = 1.0
    for _ in range(5):
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return best / 5_000 * 1e6

plain = microseconds(rounds)
watched = microseconds(lambda: time_limit.called_within(60, rounds, None))
time_limit.monitoring = None
traced = microseconds(lambda: time_limit.called_within(60, rounds, None))
print(f"a round of a loop: {plain:.1f} us, watched {watched:.1f}, traced by lines {traced:.1f}")
`;

const DEEP = (kind, limit) => `
import sys, time_limit

def call(): return call()
def key(*_): return sorted([1], key=key)
def through_map(*_): return list(map(through_map, [1]))
class Deep:
    def __getattr__(self, name): return getattr(self, name + "_")
    def __repr__(self): return repr([self])
kinds = dict(call=call, key=key, map=through_map, attribute=lambda: Deep().x, repr=lambda: repr(Deep()))

def run():
    try:
        kinds["${kind}"]()
    except RecursionError:
        ended.append(True)
ended = []
if ${limit}:
    sys.setrecursionlimit(${limit})
    run()
else:
    time_limit.called_within(10, run, None)
"RecursionError" if ended else "none"
`;

const LIMITS = [0, 200, 250, 500, 1000]; // 0: as in an exercise
const [kind, limit] = process.argv.slice(3);
if (kind) {
  try {
    console.log((await python()).runPython(DEEP(kind, limit)));
  } finally {
    process.exit(); // an interpreter that is lost would keep the process for long
  }
} else {
  (await python()).runPython(FACTS);
  for (const kind of ["call", "key", "map", "attribute", "repr"]) {
    const ends = [];
    for (const limit of LIMITS) {
      const words = [fileURLToPath(import.meta.url), pyodide, kind, limit];
      const child = spawnSync(process.execPath, words, { encoding: "utf8", timeout: 120_000, killSignal: "SIGKILL" });
      const well = child.stdout.trim().endsWith("RecursionError");
      ends.push(`${limit || "in an exercise"} ${well ? "ends well" : "ends the interpreter"}`);
      if (!well) break;
    }
    console.log(`recursion through ${kind}, by limit: ${ends.join(", ")}`);
  }
}
