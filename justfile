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

# 100 kills, 3 restarts of nats-server and a cut network under 300 images; LAYERGATE_SEED=… replays one
chaos:
    tests/tools
    cargo build --release -p layergate
    PATH="$(realpath {{target}}/tools):$PATH" LAYERGATE_BIN="$(realpath {{target}}/release/layergate)" LAYERGATE_CHAOS_KILLS=100 LAYERGATE_CHAOS_IMAGES=300 LAYERGATE_CHAOS_LAYERS=60 LAYERGATE_CHAOS_RESTARTS=3 cargo test -p layergate-tests --test fleet -- --nocapture whoever_dies

# Verdicts a second, latency beside a bulk rescan, scaling and overhead of the fleet
bench-fleet: snapshot
    tests/tools
    PATH="$(realpath {{target}}/tools):$PATH" python3 tests/bench/fleet.py {{target}}/release/layergate {{target}}/bench/shared.lgdb

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

# What the search for secrets adds to the reading of the benchmark image
bench-secrets:
    tests/bench/build-image
    cargo run --release -p layergate-inventory --example cost -- {{target}}/bench/image

# The snapshot at scale: half a million generated records beside the shared ones, against the targets of issue 4; and the
# matching of one SBOM beside Trivy
bench-db: peers snapshot
    python3 tests/bench/sbom.py {{target}}/release/layergate {{target}}/bench/shared.lgdb {{peers}}/trivy {{peers}}/trivy-cache {{shared}}/data
    cargo run --release -p layergate-judge --example bench_db -- 500000 {{shared}}/data/advisories

# Packages and findings against the recorded peers; the table goes to docs/parity.md
parity: snapshot
    python3 {{shared}}/tools/parity.py {{target}}/release/layergate {{target}}/bench/shared.lgdb {{shared}}/data {{shared}}/data/golden/peer-results-dev.jsonl.zst {{shared}}/data/golden/advisory-cves.tsv {{target}}/bench/parity.json
    python3 tests/bench/parity_table.py {{target}}/bench/parity.json > docs/parity.md

# Our matcher against Trivy's, over every package of Trivy's own database; `just matching-differential debian` for a part
matching-differential BUCKETS='': peers snapshot
    python3 tests/bench/matching_differential.py {{peers}}/trivy {{peers}}/trivy-cache {{target}}/release/layergate {{target}}/bench/shared.lgdb {{shared}}/data/golden/advisory-cves.tsv {{target}}/bench/matching-differential.json '{{BUCKETS}}'

# Packages against Trivy and Syft, live, on the items in DIR (tests/bench/holdout-items makes some); docs/parity-holdout.md
holdout DIR *ARGS: peers snapshot
    python3 tests/bench/holdout.py {{target}}/release/layergate {{target}}/bench/shared.lgdb {{DIR}} --trivy {{peers}}/trivy --trivy-cache {{peers}}/trivy-cache --syft {{peers}}/syft --markdown docs/parity-holdout.md {{ARGS}}

# The estate at scale: index, full judgement, delta of 1,000 records, questions; the figures are in docs/estate.md
bench-estate *SIZES='10000 100000': snapshot
    cargo run --release -p layergate-estate --example bench_estate -- {{target}}/bench/shared.lgdb {{SIZES}}

# A thousand workers and a hundred thousand images with faults, in virtual time; `just sim --seed 7 --faults heavy`
sim *ARGS:
    cargo run --release -p layergate-sim -- --workers 1000 --images 100000 {{ARGS}}

# The fuzzer: every target for a minute, or `just fuzz TARGET SECONDS`; `just fuzz list` names them
fuzz TARGET="all" SECONDS="60":
    fuzz/run "{{TARGET}}" {{SECONDS}}

# Archives, documents and layers of new seeds as Go's own libraries and, as root, real overlay mounts read them
differential SECONDS="100":
    tests/differential {{SECONDS}}

# What large and hostile layers cost: 100,000 packages, 3 million files, fat JARs, bombs; beside tar, Syft and Trivy
bench-hostile *CASES: peers snapshot
    python3 tests/bench/hostile.py {{target}}/release/layergate {{target}}/bench/shared.lgdb {{CASES}} --syft {{peers}}/syft --trivy {{peers}}/trivy --trivy-cache {{peers}}/trivy-cache

# Packages of us and the peers against what the package managers themselves say, and the default policy on ordinary images;
# docs/truth.md. As root on Debian: the items are made by debootstrap, pip, npm, mvn and so on (`just truth '' --only REGEX` for a part)
truth PATTERN='' *ARGS: peers snapshot
    tests/bench/truth-peers {{peers}}/go
    LAYERGATE_SHARED={{shared}} tests/bench/truth-items {{target}}/truth '{{PATTERN}}'
    python3 tests/bench/truth.py {{target}}/release/layergate {{target}}/bench/shared.lgdb {{target}}/truth --peers {{peers}} --markdown docs/truth.md {{ARGS}}

# Make the pictures of docs/outputs.md (needs chromium)
screenshots:
    cargo build -q -p layergate
    tests/screenshots
