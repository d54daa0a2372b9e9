#!/usr/bin/env python3
"""NVD's configurations of programs held against what Bitnami and the projects say of the same vulnerabilities.

usage: programs.py LAYERGATE NVD OWN
NVD: a directory with NVD's JSON 2.0. OWN: one with Bitnami's OSV records (…/PROGRAM/BIT-….json) and Node's (vuln/core).
Two snapshots are made, an SBOM with real releases of each program is judged by each, and the vulnerabilities that both sides
know of a program are compared. Prints a Markdown table, then each difference.
"""
import collections, json, pathlib, subprocess, sys, tempfile

# Our name, Bitnami's name, and releases of the last years, of kept lines and of ended ones.
PROGRAMS = [
    ("node", "node", "16.20.2 18.20.4 20.11.1 20.18.0 22.11.0 22.12.0 24.4.0"),
    ("python", "python", "3.8.20 3.9.20 3.10.14 3.11.2 3.11.9 3.12.3 3.12.7 3.13.0"),
    ("redis", "redis", "6.2.14 7.0.15 7.2.4 7.2.6 7.4.1 8.0.2"),
    ("nginx", "nginx", "1.18.0 1.22.1 1.24.0 1.25.5 1.26.2 1.27.2 1.28.0"),
    ("postgresql", "postgresql", "12.20 13.16 14.13 15.8 15.10 16.4 17.0 17.5"),
    ("httpd", "apache", "2.4.57 2.4.59 2.4.62 2.4.63 2.4.65"),
    ("php-cli", "php", "7.4.33 8.0.30 8.1.29 8.2.20 8.2.26 8.3.10 8.3.14 8.4.1"),
    ("ruby", "ruby", "2.7.8 3.0.6 3.1.2 3.1.6 3.2.4 3.3.5 3.4.1"),
    ("openjdk", "java", "1.8.0_392-b08 8.0.412 11.0.21+9 11.0.25 17.0.9+9 17.0.13 21.0.1+12 21.0.5"),
    ("haproxy", "haproxy", "2.4.22 2.6.12 2.8.5 3.0.5"),
    ("memcached", "memcached", "1.6.18 1.6.22"),
    ("git", "git", "2.39.5 2.43.0 2.45.1 2.47.0"),
    ("mariadb", "mariadb", "10.5.23 10.6.18 10.11.6 11.4.2"),
]


def found(layergate, directory, sbom, work):
    """The CVEs that a snapshot of `directory` finds, by program and version."""
    snapshot = work / (directory.name + ".lgdb")
    subprocess.run([layergate, "db", "build", "--from", directory, "--output", snapshot], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    scan = [layergate, "scan", "-q", "--offline", "--cache-dir", work / "cache", "--db", snapshot, "-o", "json", f"sbom:{sbom}"]
    report = json.loads(subprocess.run(scan, capture_output=True).stdout)
    packages = {p["id"]: (p["name"], p["version"]) for p in report["packages"]}
    out = collections.defaultdict(set)
    for finding in report["findings"]:
        out[packages[finding["package"]]] |= {i for i in [finding["advisory"], *finding["aliases"]] if i.startswith("CVE-")}
    return out


def known(directory, bitnami):
    """The CVEs that Bitnami's records, and Node's, have on a program."""
    out = set()
    for file in directory.rglob("*.json"):
        if file.parent.name == bitnami and file.name.startswith("BIT-"):
            record = json.loads(file.read_text())
            out |= set() if record.get("withdrawn") else set(record.get("aliases", []))
        elif bitnami == "node" and file.parent.name == "core" and file.stem.isdigit():
            out |= set(json.loads(file.read_text())["cve"])
    return {i for i in out if i.startswith("CVE-")}


def main(layergate, nvd, own):
    nvd, own = pathlib.Path(nvd), pathlib.Path(own)
    described = collections.defaultdict(set)
    cpes = {"node": "nodejs:node.js", "python": "python:python", "redis": "redis:redis", "nginx": "f5:nginx nginx:nginx", "postgresql": "postgresql:postgresql", "httpd": "apache:http_server", "php-cli": "php:php", "ruby": "ruby-lang:ruby", "openjdk": "oracle:openjdk oracle:jdk oracle:jre", "haproxy": "haproxy:haproxy", "memcached": "memcached:memcached", "git": "git-scm:git", "mariadb": "mariadb:mariadb"}
    for file in nvd.rglob("*.json"):
        for item in json.loads(file.read_text()).get("vulnerabilities", []):
            text = json.dumps(item["cve"].get("configurations", []))
            for program, names in cpes.items():
                if any(f"cpe:2.3:a:{name}:" in text for name in names.split()):
                    described[program].add(item["cve"]["id"])
    work = pathlib.Path(tempfile.mkdtemp())
    pairs = [(name, version) for name, _, versions in PROGRAMS for version in versions.split()]
    sbom = work / "programs.cdx.json"
    components = [{"type": "application", "name": n, "version": v, "purl": f"pkg:generic/{n}@{v}"} for n, v in pairs]
    sbom.write_text(json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": components}))
    by_nvd, by_own = found(layergate, nvd, sbom, work), found(layergate, own, sbom, work)
    print("| program | releases | both know | NVD finds | found by the others too | the others find |\n|---|---|---|---|---|---|")
    total, differences = collections.Counter(), []
    for name, bitnami, versions in PROGRAMS:
        both = known(own, bitnami) & described[name]
        row = collections.Counter(releases=len(versions.split()), both=len(both))
        for version in versions.split():
            ours, theirs = by_nvd[name, version] & both, by_own[name, version] & both
            row.update(nvd=len(ours), shared=len(ours & theirs), own=len(theirs))
            differences += [f"{name} {version} {cve} {side}" for side, cves in (("beyond", ours - theirs), ("missed", theirs - ours)) for cve in sorted(cves)]
        total.update(row)
        print(f"| {name} | {row['releases']} | {row['both']} | {row['nvd']} | {row['shared']} | {row['own']} |")
    print(f"| all | {total['releases']} | {total['both']} | {total['nvd']} | {total['shared']} | {total['own']} |\n")
    print("\n".join(differences))


if __name__ == "__main__":
    main(*sys.argv[1:4])
