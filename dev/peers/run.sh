#!/bin/sh
# Runs the published tests of peers against counterpoint, through the stand-ins beside this file.
#
#   dev/peers/run.sh [PEER…]
#
# For each peer: fetches the published package, copies its tests (and, for the examples in its
# documentation, its sources) under target/peers, points them at the stand-in and runs them.
# Nothing of a peer is stored in this repository. Prints passed / failed / excepted, and fails if a
# test fails or fewer run than are on record below.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work="${CARGO_TARGET_DIR:-$root/target}/peers"
export CARGO_TARGET_DIR="$work/build"

# fetch NAME VERSION: prints the folder of the published package.
fetch() {
    mkdir -p "$work/fetch/$1/src"
    : > "$work/fetch/$1/src/lib.rs"
    printf '[package]\nname = "fetch"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\n%s = "=%s"\n[workspace]\n' \
        "$1" "$2" > "$work/fetch/$1/Cargo.toml"
    (cd "$work/fetch/$1" && cargo metadata --format-version 1) |
        tr ',' '\n' | sed -n "s|^\"manifest_path\":\"\\(.*\\)/Cargo.toml\"\$|\\1|p" |
        grep -- "/$1-$2\$"
}

# The lines "test … ... ok" and so on of a log, counted.
count() {
    grep -c -- "^test .* \\.\\.\\. $1" "$2" || true
}

# peer NAME VERSION EXPECTED DEV_DEPENDENCIES
peer() {
    source=$(fetch "$1" "$2")
    crate="$work/$1"
    module=$(printf %s "$1" | tr - _)
    rm -rf "$crate"
    mkdir -p "$crate/src"
    cp -R "$source/tests" "$crate/tests"
    # The examples in the peer's documentation: its doc lines alone, as one page.
    awk '/^[[:space:]]*\/\/[\/!]/ { sub(/^[[:space:]]*\/\/[\/!]/, "//!"); print; next } { print "//!" }' \
        "$source/src/lib.rs" > "$crate/src/lib.rs"
    printf '[package]\nname = "peer-tests"\nversion = "0.0.0"\nedition = "2024"\n[dependencies]\n%s = { path = "%s" }\n[dev-dependencies]\n%s\n[workspace]\n' \
        "$1" "$here/$1" "$4" > "$crate/Cargo.toml"
    log="$work/$1.log"
    (cd "$crate" && cargo test --no-fail-fast) > "$log" 2>&1 && status=0 || status=$?
    passed=$(count ok "$log")
    failed=$(count FAILED "$log")
    excepted=$(count ignored "$log")
    echo "$1 $2: $passed passed, $failed failed, $excepted excepted (on record: $3)"
    if [ "$status" -ne 0 ] || [ "$failed" -ne 0 ]; then
        echo "$1: the tests failed; see $log" >&2
        grep -- '^error\|^test .* FAILED\|panicked' "$log" >&2 || true
        return 1
    fi
    if [ "$passed" -lt "$3" ]; then
        echo "$1: only $passed of $3 tests ran" >&2
        return 1
    fi
}

wanted="${*:-openmp-reducer}"
result=0
for name in $wanted; do
    case "$name" in
        # 7 tests and 3 examples, one of which must not compile.
        openmp-reducer) peer "$name" 0.2.6 10 'rayon = "1.10"' || result=1 ;;
        *)
            echo "no such peer: $name" >&2
            result=1
            ;;
    esac
done
exit "$result"
