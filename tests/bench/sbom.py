#!/usr/bin/env python3
"""Matching beside Trivy: the same SBOM, the same advisories, in turn: part of `just bench-db`.

usage: sbom.py LAYERGATE SNAPSHOT TRIVY TRIVY_CACHE SHARED_DATA [RUNS]

The SBOM is CycloneDX written by `layergate sbom` of a tree made of shared data: a large dpkg status file and real lock
files, about 3,500 packages. Each run is `layergate scan sbom:FILE` and `trivy sbom FILE`, JSON to a file, alternating;
the first pair is not counted. What a program costs before it matches anything (its start, its database) is measured by
the same run on an SBOM with one of the packages and subtracted: what is left is reading, matching and writing the rest.
"""
import json, os, shutil, statistics, subprocess, sys, tempfile, time

LOCKS = "harbor-2022-01-01 vector-2022-01-01 ruff-2024-01-01 quay-2021-01-01 vulnerablecode-2022-06-01 ripgrep-2021-06-01 grype-2022-06-01".split()
layergate, snapshot, trivy, trivy_cache, shared = sys.argv[1:6]
runs = int(sys.argv[6]) if len(sys.argv) > 6 else 7
work = tempfile.mkdtemp(prefix="layergate-sbom-")


def run(command):
    start = time.time()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    return time.time() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status)


def make_tree():
    root = f"{work}/root"
    os.makedirs(f"{root}/var/lib/dpkg"); os.makedirs(f"{root}/etc")
    shutil.copyfile(f"{shared}/pkgdb/dpkg/texlive.status", f"{root}/var/lib/dpkg/status")
    with open(f"{root}/etc/os-release", "w") as f:
        f.write('NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\nVERSION_ID="18.04"\n')
    for name in LOCKS:
        os.makedirs(f"{root}/srv/{name}")
        for file in os.listdir(f"{shared}/lang/real-locks/{name}"):
            shutil.copyfile(f"{shared}/lang/real-locks/{name}/{file}", f"{root}/srv/{name}/{file}")
    return root


def one_of(document):
    """The same document with the distribution and one of its packages."""
    parts = document["components"]
    chosen = [p for p in parts if p["type"] == "operating-system"] + [p for p in parts if p.get("purl", "").startswith("pkg:deb/")][:1]
    kept = {p["bom-ref"] for p in chosen} | {document["metadata"]["component"]["bom-ref"]}
    needs = [{**d, "dependsOn": [r for r in d.get("dependsOn", []) if r in kept]} for d in document.get("dependencies", []) if d["ref"] in kept]
    return {**document, "components": chosen, "dependencies": needs}


try:
    shutil.copytree(trivy_cache, f"{work}/trivy-cache")
    made = run([layergate, "sbom", "--quiet", "--cache-dir", f"{work}/cache", "-o", f"cyclonedx={work}/all.json", f"dir:{make_tree()}"])
    assert made[3] == 0, f"layergate sbom ended with {made[3]}"
    document = json.load(open(f"{work}/all.json"))
    json.dump(one_of(document), open(f"{work}/one.json", "w"))
    rows = {}
    for turn in range(runs + 1):
        for size in ("all", "one"):
            ours = run([layergate, "scan", "--offline", "--quiet", "--db", snapshot, "--cache-dir", f"{work}/cache", "-o", f"json={work}/lg-{size}.json", f"sbom:{work}/{size}.json"])
            assert ours[3] in (0, 1, 3), f"layergate ended with {ours[3]}"
            theirs = run([trivy, "sbom", "--cache-dir", f"{work}/trivy-cache", "--skip-db-update", "--skip-java-db-update", "--offline-scan", "-q", "--scanners", "vuln", "--format", "json", "-o", f"{work}/tv-{size}.json", f"{work}/{size}.json"])
            assert theirs[3] == 0, f"trivy ended with {theirs[3]}"
            if turn:
                rows.setdefault(("layergate", size), []).append(ours)
                rows.setdefault(("trivy", size), []).append(theirs)
    report = json.load(open(f"{work}/lg-all.json"))
    found = sum(len(r.get("Vulnerabilities") or []) for r in json.load(open(f"{work}/tv-all.json"))["Results"])
    print(f"{len(report['packages'])} packages, {len(report['findings'])} findings (trivy {found}), medians of {runs}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    median = {key: [statistics.median(r[k] for r in rs) for k in range(3)] for key, rs in rows.items()}
    for (who, size), (wall, cpu, peak) in sorted(median.items()):
        print(f"{who:9} {size}: wall {wall * 1e3:6.0f} ms  cpu {cpu * 1e3:6.0f} ms  peak {peak:6.1f} MiB")
    (w, c, p), (tw, tc, tp) = median["layergate", "all"], median["trivy", "all"]
    print(f"against trivy: wall {w / tw:.2f}x cpu {c / tc:.2f}x peak {p / tp:.2f}x")
    more = {who: [median[who, "all"][k] - median[who, "one"][k] for k in range(2)] for who in ("layergate", "trivy")}
    (w, c), (tw, tc) = more["layergate"], more["trivy"]
    print(f"without what the start costs: wall {w * 1e3:.0f} ms / {tw * 1e3:.0f} ms = {w / tw:.2f}x, cpu {c * 1e3:.0f} ms / {tc * 1e3:.0f} ms = {c / tc:.2f}x")
finally:
    shutil.rmtree(work, ignore_errors=True)
