#!/usr/bin/env python3
"""The fleet's throughput, latency, scaling and overhead, with real servers: `just bench-fleet`.

usage: fleet.py LAYERGATE SNAPSHOT [--nats-server BIN] [--registry BIN] [--images 3000] [--only default|always]

Starts nats-server and docker-registry on free loopback ports and measures, for both sync settings of nats-server:
  verdicts/s   distinct images by digest over cached layers, submitted over HTTP, until the last verdict is there;
               asked again, and judged anew
  p99          interactive jobs, one after the other, while a bulk rescan saturates the fleet
and with the default setting:
  scaling      cold layers, one worker of one task against two
  overhead     one cold image by the fleet against the same by the single machine
"""
import argparse, concurrent.futures as cf, gzip, hashlib, http.client, io, json, os, random, signal, socket, statistics, subprocess, tarfile, tempfile, time, shutil, sys

parser = argparse.ArgumentParser()
parser.add_argument("layergate"); parser.add_argument("snapshot")
parser.add_argument("--nats-server", default="nats-server"); parser.add_argument("--registry", default="docker-registry")
parser.add_argument("--images", type=int, default=3000); parser.add_argument("--only", choices=["default", "always"])
a = parser.parse_args()
random.seed(1)
work = tempfile.mkdtemp(prefix="layergate-bench-")
running = []
# Asked to stop, the servers are stopped as well.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0)); return s.getsockname()[1]


def start(name, *command):
    log = open(f"{work}/{name}.log", "ab")
    process = subprocess.Popen(command, stdout=log, stderr=log); running.append(process); return process


def stop(*processes):
    for p in processes:
        p.terminate()
    for p in processes:
        try:
            p.wait(20)
        except subprocess.TimeoutExpired:
            p.kill(); p.wait()
        running.remove(p)


def await_port(port, path=None):
    for _ in range(300):
        try:
            if path is None:
                socket.create_connection(("127.0.0.1", port), 1).close(); return
            if call(port, "GET", path)[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.05)
    logs = "".join(open(f"{work}/{name}").read()[-600:] for name in sorted(os.listdir(work)) if name.endswith(".log"))
    raise SystemExit(f"nothing is ready on {port}:\n{logs}")


def call(port, method, path, body=None, kind="application/json", keep=None):
    connection = keep or http.client.HTTPConnection("127.0.0.1", port, timeout=90)
    connection.request(method, path, body, {"Content-Type": kind} if body is not None else {})
    answer = connection.getresponse(); data = answer.read()
    if keep is None:
        connection.close()
    return answer.status, dict(answer.getheaders()), data


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def push_blob(repository, data):
    _, headers, _ = call(registry, "POST", f"/v2/{repository}/blobs/uploads/", b"")
    place = headers["Location"].split("/v2/", 1)[1]
    status, *_ = call(registry, "PUT", f"/v2/{place}{'&' if '?' in place else '?'}digest={digest(data)}", data, "application/octet-stream")
    assert status == 201, status


def layer(files):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name); info.size = len(data); archive.addfile(info, io.BytesIO(data))
    raw = raw.getvalue()
    return gzip.compress(raw, 1, mtime=0), digest(raw)


def push_image(repository, tag, layers, user):
    """Layers must be there already; the reference by digest."""
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {"User": user}, "rootfs": {"type": "layers", "diff_ids": [d for _, d in layers]}, "history": [{"created_by": str(i)} for i in range(len(layers))]}).encode()
    push_blob(repository, config)
    m = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest(config), "size": len(config)},
         "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": digest(z), "size": len(z)} for z, _ in layers]}
    data = json.dumps(m).encode()
    status, *_ = call(registry, "PUT", f"/v2/{repository}/manifests/{tag}", data, m["mediaType"])
    assert status == 201, status
    return f"127.0.0.1:{registry}/{repository}@{digest(data)}"


def application(n, megabytes=0.02, packages=30):
    files = {f"app{n}/node_modules/m{j}/package.json": json.dumps({"name": f"m{n}-{j}", "version": f"1.{j}.0"}).encode() for j in range(packages)}
    return layer({**files, f"app{n}/ballast": random.randbytes(int(megabytes * 1e6))})


# Text that inflates to four times its size or so, as programs and their documentation do.
words = [random.randbytes(6).hex().encode() for _ in range(3000)]


def wordy(n, megabytes):
    text = b" ".join(random.choices(words, k=int(megabytes * 1e6 / 13)))
    return layer({f"app{n}/package.json": b'{"name": "wordy", "version": "1.0.0"}', f"app{n}/text": text})


def fsync_seconds():
    times = []
    with open(f"{work}/fsync", "wb") as f:
        for _ in range(200):
            f.write(b"x" * 512); f.flush()
            begin = time.perf_counter(); os.fsync(f.fileno()); times.append(time.perf_counter() - begin)
    return statistics.median(times)


class Fleet:
    def __init__(self, sync, workers, tasks=None):
        self.directory = tempfile.mkdtemp(dir=work)
        self.nats_port, self.port = free_port(), free_port()
        with open(f"{self.directory}/nats.conf", "w") as f:
            line = "sync_interval: always" if sync == "always" else ""
            f.write(f'listen: "127.0.0.1:{self.nats_port}"\njetstream {{ store_dir: "{self.directory}/js"\nmax_file_store: 64GB\n{line} }}\n')
        self.nats = start("nats", a.nats_server, "-c", f"{self.directory}/nats.conf"); await_port(self.nats_port)
        self.coordinator = start("coordinator", a.layergate, "coordinator", "--nats", self.url(), "--listen", f"127.0.0.1:{self.port}", "--db", a.snapshot, "--cache-dir", f"{self.directory}/c")
        self.workers = [start("worker", a.layergate, "worker", "--nats", self.url(), "--cache-dir", f"{self.directory}/w{n}", *(["--tasks", str(tasks)] if tasks else [])) for n in range(workers)]
        await_port(self.port, "/readyz")
        while sum(m["kind"] == "worker" for m in json.loads(call(self.port, "GET", "/api/v1/fleet")[2])["members"]) < workers:
            time.sleep(0.1)

    def url(self):
        return f"nats://127.0.0.1:{self.nats_port}"

    def submit(self, image, lane, keep=None, policy={}):
        status, _, data = call(self.port, "POST", "/api/v1/jobs", json.dumps({"image": image, "lane": lane, "policy": policy}).encode(), keep=keep)
        assert status == 202, (status, data)
        return json.loads(data)["job"]

    def verdict(self, job, keep=None):
        while True:
            answer = json.loads(call(self.port, "GET", f"/api/v1/jobs/{job}?wait=30", keep=keep)[2])
            if answer.get("verdict"):
                return answer["verdict"]["verdict"]

    def many(self, images, lane, connections=32, policy={}):
        """Submits all, then collects all; seconds and verdicts."""
        def part(share):
            keep = http.client.HTTPConnection("127.0.0.1", self.port, timeout=90)
            return [self.submit(i, lane, keep, policy) for i in share]

        def collect(share):
            keep = http.client.HTTPConnection("127.0.0.1", self.port, timeout=90)
            return [self.verdict(j, keep) for j in share]
        begin = time.perf_counter()
        with cf.ThreadPoolExecutor(connections) as pool:
            jobs = list(pool.map(part, [images[n::connections] for n in range(connections)]))
            verdicts = [v for share in pool.map(collect, jobs) for v in share]
        return time.perf_counter() - begin, verdicts

    def stop(self):
        stop(*self.workers); stop(self.coordinator); stop(self.nats)


try:
    registry = free_port()
    with open(f"{work}/registry.yml", "w") as f:
        f.write(f'version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {work}/registry}}}}\nhttp: {{addr: "127.0.0.1:{registry}"}}\n')
    start("registry", a.registry, "serve", f"{work}/registry.yml"); await_port(registry)
    base = layer({"etc/os-release": b'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n', "var/lib/dpkg/status": b"".join(f"Package: p{n}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.{n}-1\n\n".encode() for n in range(80))})
    applications = [application(n) for n in range(40)]
    for blob, _ in [base, *applications]:
        push_blob("bench", blob)
    with cf.ThreadPoolExecutor(8) as pool:
        images = list(pool.map(lambda n: push_image("bench", f"v{n}", [base, *random.sample(applications, 3)], f"u{n}"), range(a.images)))
    print(f"fsync: {fsync_seconds() * 1000:.2f} ms (median of 200); {os.cpu_count()} cores; {a.images} images over 41 layers", flush=True)

    for sync in [a.only] if a.only else ["default", "always"]:
        fleet = Fleet(sync, 2)
        # Once over everything: layers and manifests are known, and reports of these pins are there.
        seconds, verdicts = fleet.many(images, "bulk")
        assert "error" not in verdicts, verdicts
        print(f"sync {sync}: first pass {len(images) / seconds:.0f} verdicts/s (layers cold, manifests fetched)", flush=True)
        seconds, verdicts = fleet.many(images, "bulk")
        print(f"sync {sync}: {len(images) / seconds:.0f} verdicts/s end to end asked again (reports of the same pins are reused)", flush=True)
        # Another policy is another pin: every image is judged anew from its cached layers.
        seconds, _ = fleet.many(images, "bulk", policy={"fail_on": "low"})
        print(f"sync {sync}: {len(images) / seconds:.0f} verdicts/s end to end judged anew, all layers cached", flush=True)
        bulk = cf.ThreadPoolExecutor(1).submit(fleet.many, images, "bulk", 16, {"fail_on": "medium"})
        time.sleep(0.5)
        keep, latencies = http.client.HTTPConnection("127.0.0.1", fleet.port, timeout=90), []
        while not bulk.done():
            begin = time.perf_counter(); fleet.verdict(fleet.submit(random.choice(images), "interactive", keep), keep)
            latencies.append(time.perf_counter() - begin)
        bulk.result(); latencies.sort()
        if latencies:
            at = lambda q: latencies[min(len(latencies) - 1, int(q * len(latencies)))] * 1000
            print(f"sync {sync}: interactive beside bulk: median {at(.5):.0f} ms, p99 {at(.99):.0f} ms of {len(latencies)}", flush=True)
        fleet.stop()

    rates = {}
    for workers in (1, 2):
        cold = [wordy(1000 * workers + n, 60) for n in range(16)]
        for blob, _ in cold:
            push_blob("cold", blob)
        push_blob("cold", base[0])
        some = [push_image("cold", f"w{workers}-{n}", [base, c], f"u{n}") for n, c in enumerate(cold)]
        fleet = Fleet("default", workers, tasks=1)
        seconds, _ = fleet.many(some, "interactive", 8); rates[workers] = len(cold) / seconds
        fleet.stop()
    print(f"cold: {rates[1]:.1f} layers/s with one worker of one task, {rates[2]:.1f} with two: {rates[2] / rates[1]:.2f}x", flush=True)

    big = [application(9000 + n, megabytes=30, packages=400) for n in range(6)]
    for blob, _ in big:
        push_blob("big", blob)
    push_blob("big", base[0])
    one = push_image("big", "v1", [base, *big], "u")
    alone, by_fleet = [], []
    for n in range(3):
        begin = time.perf_counter()
        subprocess.run([a.layergate, "scan", "--quiet", "--offline", "--db", a.snapshot, "--cache-dir", f"{work}/solo{n}", "-o", f"json={work}/solo.json", one], check=False)
        alone.append(time.perf_counter() - begin)
        fleet = Fleet("default", 1)
        begin = time.perf_counter()
        subprocess.run([a.layergate, "scan", "--quiet", "--server", f"http://127.0.0.1:{fleet.port}", "-o", f"json={work}/fleet.json", one], check=False)
        by_fleet.append(time.perf_counter() - begin)
        fleet.stop()
    same = open(f"{work}/solo.json", "rb").read() == open(f"{work}/fleet.json", "rb").read()
    one_machine, fleet_path = statistics.median(alone), statistics.median(by_fleet)
    print(f"one cold image: {one_machine:.2f} s alone, {fleet_path:.2f} s by the fleet: {100 * (fleet_path / one_machine - 1):+.0f} %; same report: {same}")
finally:
    for process in running:
        process.send_signal(signal.SIGKILL)
    shutil.rmtree(work, ignore_errors=True)
