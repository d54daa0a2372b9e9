#!/usr/bin/env python3
"""Cold and warm scans of a large registry image, layergate beside Trivy and Syft in one run: `just bench-scan`.

usage: scan.py LAYERGATE SNAPSHOT IMAGE_LAYOUT --trivy BIN --trivy-cache DIR [--syft BIN] [--runs 5]

Starts a docker-registry on a free loopback port, pushes the OCI layout to it, and runs the programs in turn. Cold:
every program's cache is emptied before each run. Warm: nothing is emptied, so that ours gives the report that it kept. Anew: our kept
reports are taken away and the kept layers judged again, which is what Trivy does each time. Prints medians and ratios.
"""
import argparse, hashlib, json, os, shutil, socket, statistics, subprocess, tempfile, time, urllib.request

parser = argparse.ArgumentParser()
parser.add_argument("layergate"); parser.add_argument("snapshot"); parser.add_argument("layout")
parser.add_argument("--trivy"); parser.add_argument("--trivy-cache"); parser.add_argument("--syft")
parser.add_argument("--registry", default="docker-registry"); parser.add_argument("--runs", type=int, default=5)
a = parser.parse_args()
work = tempfile.mkdtemp(prefix="layergate-bench-")
with socket.socket() as s:
    s.bind(("127.0.0.1", 0)); port = s.getsockname()[1]
with open(f"{work}/registry.yml", "w") as f:
    f.write(f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {work}/registry}}}}\nhttp: {{addr: \"127.0.0.1:{port}\"}}\n")
registry = subprocess.Popen([a.registry, "serve", f"{work}/registry.yml"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
base = f"http://127.0.0.1:{port}"


def call(method, url, data=None, kind="application/octet-stream", length=None):
    headers = {"Content-Type": kind} | ({} if length is None else {"Content-Length": str(length)})
    return urllib.request.urlopen(urllib.request.Request(url, data=data, method=method, headers=headers))


def blob(digest):
    """A blob as an open file: what this process once held would count as the peak of the programs that it starts."""
    return open(f"{a.layout}/blobs/{digest.replace(':', '/')}", "rb")


def push():
    for _ in range(100):
        try:
            call("GET", f"{base}/v2/"); break
        except OSError:
            time.sleep(0.1)
    index = json.load(open(f"{a.layout}/index.json"))
    manifest = blob(index["manifests"][0]["digest"]).read()
    parsed = json.loads(manifest)
    for part in parsed["layers"] + [parsed["config"]]:
        location = call("POST", f"{base}/v2/bench/uploads/".replace("/uploads", "/blobs/uploads"), b"").headers["Location"]
        call("PUT", location + ("&" if "?" in location else "?") + "digest=" + part["digest"], blob(part["digest"]), length=part["size"])
    call("PUT", f"{base}/v2/bench/manifests/v1", manifest, parsed["mediaType"])
    return sum(l["size"] for l in parsed["layers"])


def run(command):
    start = time.time()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ, TRIVY_NON_SSL="true", TRIVY_INSECURE="true", SYFT_CHECK_FOR_APP_UPDATE="false"))
    _, status, usage = os.wait4(process.pid, 0)
    return time.time() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status)


def ours(cache):
    return run([a.layergate, "scan", "--offline", "--quiet", "--plain-http", "--db", a.snapshot, "--cache-dir", cache, "-o", f"json={work}/layergate.json", image])


def trivy():
    return run([a.trivy, "image", "--cache-dir", a.trivy_cache, "--skip-db-update", "--skip-java-db-update", "--offline-scan", "-q", "--scanners", "vuln", "--format", "json", "--list-all-pkgs", "-o", f"{work}/trivy.json", image])


def syft():
    return run([a.syft, "scan", "-q", f"registry:{image}", "-o", f"json={work}/syft.json"])


rows = {}


def note(name, row, good=(0,)):
    assert row[3] in good, f"{name} ended with {row[3]}"
    rows.setdefault(name, []).append(row)


try:
    compressed = push()
    image = f"127.0.0.1:{port}/bench:v1"
    for turn in range(a.runs + 1):  # the first turn warms the page cache and is not counted
        cold = tempfile.mkdtemp(dir=work)
        results = [("layergate cold", ours(cold), (0, 1)), ("layergate warm", ours(cold), (0, 1))]
        shutil.rmtree(f"{cold}/reports")
        results.append(("layergate anew", ours(cold), (0, 1)))
        shutil.rmtree(cold)
        if a.trivy:
            shutil.rmtree(f"{a.trivy_cache}/fanal", ignore_errors=True)
            results += [("trivy cold", trivy(), (0,)), ("trivy warm", trivy(), (0,))]
        if a.syft:
            results.append(("syft", syft(), (0,)))
        if turn:
            for name, row, good in results:
                note(name, row, good)
    report = json.load(open(f"{work}/layergate.json"))
    print(f"image: {compressed / 1e6:.0f} MB compressed, {len(report['packages'])} packages, {len(report['findings'])} findings, gaps {len(report['gaps'])}; medians of {a.runs}")
    median = {name: [statistics.median(r[k] for r in rs) for k in range(3)] for name, rs in rows.items()}
    for name, (wall, cpu, peak) in median.items():
        print(f"{name:16} wall {wall:6.2f} s  cpu {cpu:6.2f} s  peak {peak:7.1f} MiB")
    for mine, peer in (("layergate cold", "trivy cold"), ("layergate warm", "trivy warm"), ("layergate anew", "trivy warm"), ("layergate cold", "syft")):
        if peer in median:
            w, c, p = (x / y for x, y in zip(median[mine], median[peer]))
            print(f"{mine} / {peer}: wall {w:.2f}x cpu {c:.2f}x peak {p:.2f}x")
finally:
    registry.kill(); registry.wait(); shutil.rmtree(work, ignore_errors=True)
