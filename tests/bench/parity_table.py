#!/usr/bin/env python3
"""The table of recall against the recorded peers, from parity.py's OUT.json, as Markdown: `just parity`."""
import json, sys

# Why a package that a peer lists is not ours; reviewed one by one.
WHY = {
    ("git", "1:2.20.1-2+deb10u3"): "removed; dpkg keeps its configuration files only (`deinstall ok config-files`)",
    ("snyk", "UNKNOWN"): "Syft's name for a directory in a JAR without a version; nothing to match",
    ("uberjar", "1.7.30"): "Syft takes the file's name with the version of a library packed into it",
    ("django-postgres-extra", "UNKNOWN"): "a Git dependency of a Pipfile.lock without a version",
    ("jquery", "3.4.1"): "Syft takes the version out of the download's address, against the lock's own version field (3.2.1)",
    ("dependency-parser-java-jar--gradle", "UNKNOWN"): "Syft's name for the WAR file itself, without a version",
}


def why(name, version):
    """Optional packages of a lock for another system than the image's are left out on purpose: npm does not install them."""
    if name == "fsevents" or (name.startswith("esbuild-") and not name.startswith("esbuild-linux-")):
        return "an optional package for another system than the lock's image, which npm does not install there"
    return WHY.get((name, version), "**not explained**")


d = json.load(open(sys.argv[1]))
t = d["total"]
pc = lambda a, b: f"{100 * a / b:.2f} %" if b else "–"
print("# Packages and findings beside the recorded peers\n")
print("Made by `just parity` from `../shared/tools/parity.py` over every item of the shared data whose files are at hand;")
print("the peers are Trivy 0.76.0 and Syft 1.18.1, the advisories are the same.\n")
print("| measure | ours of theirs | share |\n|---|---|---|")
print(f"| items that end in a report, or are refused for a reason as by the peers | {t['ran']} of {t['items']} | {pc(t['ran'], t['items'])} |")
print(f"| Trivy's packages | {t['trivy_hit']} of {t['trivy']} | {pc(t['trivy_hit'], t['trivy'])} |")
print(f"| Syft's packages | {t['syft_hit']} of {t['syft']} | {pc(t['syft_hit'], t['syft'])} |")
print(f"| Trivy's findings, aliases expanded | {t['vulns_hit']} of {t['vulns']} | {pc(t['vulns_hit'], t['vulns'])} |")
print(f"| packages that we list in all | {t['ours']} | |")
print(f"| findings beyond Trivy's | {t['extra_vulns']} | classes in [findings-parity.md](findings-parity.md) |\n")
print("## What a peer lists and we do not\n")
print("| item | package | why |\n|---|---|---|")
for item in d["items"]:
    for name, version in item.get("missing_trivy", []) + [x for x in item.get("missing_syft", []) if x not in item.get("missing_trivy", [])]:
        print(f"| `{item['image']}` | {name} {version} | {why(name, version)} |")
print("\n## What we find beyond them\n")
print("Items on which we report findings that Trivy does not (images whose distribution file is not in the archive's top")
print("layer as Trivy expects it, distributions whose release Trivy gives up on, advisories that it drops):\n")
print("| item | findings beyond |\n|---|---|")
for item in d["items"]:
    extra = item.get("extra_vulns") or []
    if extra:
        print(f"| `{item['image']}` | {len(extra)}{'+' if len(extra) == 60 else ''}, e.g. {', '.join(f'{n} {i}' for n, i in extra[:3])} |")
