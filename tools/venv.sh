# Shared by tools/run and tools/test: find a Python, make a virtual environment, know when to install.
# Sourced, never run; the caller has `set -eu` and sets `root` to the checkout.

# What the caller's Python would find elsewhere is not what is installed here.
unset PYTHONPATH PYTHONHOME

export PIP_DISABLE_PIP_VERSION_CHECK=1
export PIP_NO_INPUT=1

fail() {
    printf "tools/%s: %s\n" "$(basename -- "$0")" "$*" >&2
    exit 1
}

# Prints the first Python that is 3.11 or newer: $PYTHON, then what is called python3, then by version.
find_python() {
    for candidate in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11 python3.14 python; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return 0
        fi
        if [ "$candidate" = "${PYTHON:-}" ]; then
            fail "PYTHON=$PYTHON does not run, or is older than Python 3.11"
        fi
    done
    fail "no Python 3.11 or newer found; install one (Debian, Raspberry Pi OS: apt install python3 \
python3-venv) or name it: PYTHON=/path/to/python3 $0"
}

# make_venv DIRECTORY: creates it, or creates it again when its Python is gone or it was moved (the
# scripts in it name its old place).
make_venv() {
    if "$1/bin/python" -c 'import pip' 2>/dev/null && grep -qF -- "$1" "$1/bin/pip"; then
        return 0
    fi
    python=$(find_python)
    rm -rf -- "$1"
    "$python" -m venv "$1" >/dev/null 2>&1 ||
        fail "$python cannot make a virtual environment (Debian, Raspberry Pi OS: apt install python3-venv)"
}

# sources_hash PYTHON: one line that changes with the Python or with anything that gets installed.
sources_hash() {
    "$1" - "$root" <<'END'
import hashlib, pathlib, sys
root = pathlib.Path(sys.argv[1])
total = hashlib.sha256(sys.version.encode())
folders = ("edge", "hub", "shared", "tools", "boards", "firmware", "examples/house")
made = {".so", ".pyd", ".pyc", ".mpy"}
files = [root / "pyproject.toml", root / "README.md"]
for folder in folders:
    files += sorted(
        path
        for path in (root / folder).rglob("*")
        if path.is_file() and path.suffix not in made and ".myocan" not in path.parts
    )
for path in files:
    total.update(str(path.relative_to(root)).encode() + b"\0")
    total.update(hashlib.sha256(path.read_bytes()).digest())
print(total.hexdigest())
END
}

# has_compiler PYTHON: whether a C compiler and Python's headers are there.
has_compiler() {
    "$1" - <<'END'
import os, pathlib, shlex, shutil, sys, sysconfig
compiler = os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc"
headers = pathlib.Path(sysconfig.get_path("include"), "Python.h")
sys.exit(not (shutil.which(shlex.split(compiler)[0]) and headers.is_file()))
END
}
