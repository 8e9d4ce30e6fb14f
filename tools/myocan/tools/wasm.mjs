// Runs scripts on MicroPython's WebAssembly build. What to do comes as JSON on standard input:
// where MicroPython is, its heap in bytes, which files to put where, and the scripts. See wasm.py.
import { readFileSync } from "node:fs";

const asked = JSON.parse(readFileSync(0, "utf-8"));
const { loadMicroPython } = await import(asked.micropython);
const mp = await loadMicroPython({
  heapsize: asked.heap,
  stdout: (line) => console.log(line),
});
for (const [path, source] of Object.entries(asked.files)) {
  mp.FS.mkdirTree(path.slice(0, path.lastIndexOf("/")) || "/");
  mp.FS.writeFile(path, readFileSync(source));
}
try {
  for (const script of asked.scripts) {
    mp.runPython(script);
  }
} catch (error) {
  console.error(String(error.message ?? error));
  process.exitCode = 1;
}
