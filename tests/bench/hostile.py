#!/usr/bin/env python3
"""What large and hostile layers cost: time, CPU, peak memory and temporary files of one scan: `just bench-hostile`.

usage: hostile.py LAYERGATE SNAPSHOT [CASE...] [--work DIR] [--syft BIN] [--trivy BIN --trivy-cache DIR] [--keep]

Every case is a function that writes one layer; the script puts it into an OCI layout, scans that with `layergate scan
oci:DIR`, checks what the report says of it (packages, or the gap that must be there), and prints one line of a table.
Beside it stands what `gunzip | tar t` and `sha256sum` take for the same bytes ("tar speed"), and the peers where they are
named. A case's files are removed before the next one begins; the largest needs about 4 GB of disk.
"""
import argparse, hashlib, io, json, multiprocessing, os, shutil, subprocess, sys, tempfile, threading, time, zipfile, zlib

CASES = {}


def case(about, **expect):
    """A case: what it is, and what the report must say: packages=N, gap=KIND, peers=True where peers are asked too."""
    def keep(function):
        CASES[function.__name__.replace("_", "-")] = (about, expect, function)
        return function
    return keep


class Layer:
    """A tar stream into a file, hashed as it is written; compressed with gzip's fastest level, or not at all."""

    def __init__(self, path, packed):
        self.file, self.hash, self.size = open(path, "wb", buffering=1 << 20), hashlib.sha256(), 0
        self.packer = zlib.compressobj(1, zlib.DEFLATED, 31) if packed else None
        self.pending = bytearray()

    def raw(self, data):
        self.pending += data
        if len(self.pending) > 1 << 20:
            self.flush()

    def flush(self):
        data, self.pending = bytes(self.pending), bytearray()
        self.out(self.packer.compress(data) if self.packer else data)

    def out(self, data):
        self.hash.update(data)
        self.size += len(data)
        self.file.write(data)

    def header(self, name, size, kind=b"0", link=b"", mode=0o644):
        name = name if isinstance(name, bytes) else name.encode()
        if len(name) > 100:
            self.header(b"././@LongLink", len(name) + 1, b"L")
            self.raw(pad(name + b"\0"))
        number = b"%011o\0" % size if size < 8 << 30 else (1 << 95 | size).to_bytes(12, "big")
        block = b"%s%s%07o\0%07o\0%07o\0%s%011o\0        %s%s" % (
            name[:100].ljust(100, b"\0"), b"", mode, 0, 0, number, 0, kind, link[:100].ljust(100, b"\0"))
        block = (block + b"ustar  \0").ljust(512, b"\0")
        self.raw(block[:148] + b"%06o\0 " % sum(block) + block[156:])

    def add(self, name, data=b"", **more):
        self.header(name, len(data), **more)
        self.raw(pad(data))

    def add_large(self, name, pieces, size):
        """A file of exactly `size` bytes out of `pieces`, the last one cut or filled up with blanks."""
        self.header(name, size)
        left = size
        for piece in pieces:
            self.raw(piece[:left])
            left -= min(left, len(piece))
            if not left:
                break
        while left:
            self.raw(b" " * min(left, 1 << 20))
            left -= min(left, 1 << 20)
        self.raw(b"\0" * (-size % 512))

    def link(self, name, target, kind=b"2"):
        target = target.encode()
        if len(target) > 100:
            self.header(b"././@LongLink", len(target) + 1, b"K")
            self.raw(pad(target + b"\0"))
        self.header(name, 0, kind, target)

    def close(self):
        self.raw(b"\0" * 1024)
        self.flush()
        if self.packer:
            self.out(self.packer.flush())
        self.file.close()
        return "sha256:" + self.hash.hexdigest(), self.size


def pad(data):
    return data + b"\0" * (-len(data) % 512)


def archive(members, method=zipfile.ZIP_STORED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method, compresslevel=1) as z:
        for name, data in members:
            z.writestr(zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0)), data, method)
    return out.getvalue()


def noise(length, seed=1):
    """Bytes that do not compress, the same in every run."""
    return hashlib.shake_256(str(seed).encode()).digest(length)


GIB = 1 << 30


@case("node_modules: 100,000 packages, each a package.json", packages=100_000, peers=True)
def node_modules(l):
    for n in range(100_000):
        l.add(f"app/node_modules/m{n}/package.json", b'{"name":"m%d","version":"1.%d.0","license":"MIT","main":"index.js"}' % (n, n % 50))


@case("node_modules: 1,000 packages of 100 files", packages=1000, peers=True)
def node_files(l):
    text = b"module.exports = function add(a, b) { return a + b }\n" * 20
    for n in range(1000):
        l.add(f"app/node_modules/m{n}/package.json", b'{"name":"m%d","version":"1.0.0"}' % n)
        for i in range(99):
            l.add(f"app/node_modules/m{n}/lib/file{i}.js", text)


@case("3,000,000 tiny files", packages=0)
def tiny_files(l):
    for n in range(3_000_000):
        l.add(f"srv/data/{n // 10_000}/{n // 100 % 100}/file-{n}.dat", b"x")


@case("a fat JAR of 500 MB, three levels of archives", packages=101, peers=True)
def fat_jar(l):
    def jar(name, members=()):
        pom = f"groupId=org.example\nartifactId={name}\nversion=1.2.3\n".encode()
        return archive([(f"META-INF/maven/org.example/{name}/pom.properties", pom), *members], zipfile.ZIP_DEFLATED)
    wars = []
    for w in range(10):
        jars = [(f"WEB-INF/lib/j{w}-{j}-1.2.3.jar", jar(f"j{w}-{j}", [("data.bin", noise(5_500_000, w * 10 + j))])) for j in range(9)]
        wars.append((f"w{w}-1.2.3.war", jar(f"w{w}", jars)))
    l.add("opt/app-1.2.3.ear", jar("app", wars))


def json_lock(size):
    yield b'{"name":"x","lockfileVersion":3,"packages":{"":{"name":"x"}'
    n = 0
    while True:
        yield b"".join(b',"node_modules/m%d":{"version":"1.0.%d","resolved":"https://r/x.tgz"}' % (i, i % 9) for i in range(n, n + 5000))
        n += 5000


@case("package-lock.json of 1 GB", gap="file_limit", packed=False)
def lock_of_1_gb(l):
    l.add_large("app/package-lock.json", json_lock(GIB), 1_000_000_000)


@case("installed.json of 1 GB", gap="file_limit", packed=False)
def installed_of_1_gb(l):
    row = b'{"name":"a/b","version":"1.0","require":{"c/d":"*"}},' * 10_000
    l.add_large("app/vendor/composer/installed.json", iter([b"[", *[row] * 4000]), 1_000_000_000)


@case("package.json of 1 GB, one string", gap="file_limit", packed=False)
def package_json_of_1_gb(l):
    l.add_large("app/node_modules/x/package.json", iter([b'{"name":"x","version":"1","d":"', *[b"a" * (1 << 20)] * 1000]), 1_000_000_000)


@case("dpkg status of 1 GB", gap="unreadable_database file_limit", packed=False)
def dpkg_of_1_gb(l):
    n, rows = 0, []
    def text():
        for n in range(0, 100_000_000, 1000):
            yield b"".join(b"Package: p%d\nStatus: install ok installed\nVersion: 1.%d\nArchitecture: amd64\nDescription: words and words\n\n" % (i, i % 7) for i in range(n, n + 1000))
    l.add_large("var/lib/dpkg/status", text(), 1_000_000_000)


@case("apk database of 1 GB, one package without end", packed=False)
def apk_of_1_gb(l):
    lines = b"".join(b"F:usr/lib/d%d\nR:file%d\n" % (i, i) for i in range(50_000))
    l.add_large("lib/apk/db/installed", iter([b"P:a\nV:1\n", *[lines] * 2000]), 1_000_000_000)


@case("a secrets file of 1 GB (.env)", gap="file_limit", packed=False)
def env_of_1_gb(l):
    l.add_large("app/.env", iter([b"API_TOKEN=abcdefgh\nPASSWORD: x\n" * 30_000] * 1200), 1_000_000_000)


@case("a package lock at its limit: 31 MB, 450,000 packages")
def lock_of_31_mb(l):
    text = bytearray()
    for piece in json_lock(0):
        text += piece
        if len(text) > 31 << 20:
            break
    l.add("app/package-lock.json", bytes(text) + b"}}")


@case("20 package locks at their limit", gap="layer_limit")
def many_locks(l):
    text = bytearray()
    for piece in json_lock(0):
        text += piece
        if len(text) > 31 << 20:
            break
    for n in range(20):
        l.add(f"app{n}/package-lock.json", bytes(text) + b"}}")


@case("20,000 package.json, each 1,300 directories deep", packages=20_000, gap="layer_limit")
def deep_paths(l):
    for n in range(20_000):
        l.add(f"{n}/" + "/".join(["d"] * 1300) + f"/node_modules/m{n}/package.json", b'{"name":"m%d","version":"1.0.0"}' % n)


@case("100,000 packages, then 300,000 times one more name", packages=100_001)
def same_names(l):
    for n in range(100_000):
        l.add(f"app/node_modules/m{n}/package.json", b'{"name":"m%d","version":"1.0.0"}' % n)
    for n in range(300_000):
        l.add("app/node_modules/x/package.json", b'{"name":"x","version":"1.0.%d"}' % n)


@case("100,000 packages, then 300,000 times a directory and a file in its place", packages=100_000)
def same_directories(l):
    for n in range(100_000):
        l.add(f"app/node_modules/m{n}/package.json", b'{"name":"m%d","version":"1.0.0"}' % n)
    for n in range(300_000):
        l.add("b/node_modules/x/package.json", b'{"name":"x","version":"1.0.%d"}' % n)
        l.add("b")


@case("100,000 packages and 100,000 hard links to them")
def hard_links(l):
    for n in range(100_000):
        l.add(f"app/node_modules/m{n}/package.json", b'{"name":"m%d","version":"1.0.0"}' % n)
    for n in range(100_000):
        l.link(f"b/node_modules/m{n}/package.json", f"app/node_modules/m{n}/package.json", b"1")


@case("gzip bomb: 20 GB of zeros in 20 MB", gap="layer_limit")
def gzip_bomb(l):
    l.add_large("zeros", iter([b"\0" * (1 << 20)] * (20 << 10)), 20 * GIB)


@case("a sparse file of 8 EB", gap="file_limit corrupt_layer")
def sparse(l):
    size = (1 << 63) - 512
    records = b"".join(record(k, v) for k, v in [("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "app/package-lock.json"), ("GNU.sparse.realsize", str(size))])
    l.add("PaxHeaders/x", records, kind=b"x")
    l.add("GNUSparseFile.0/x", pad(b"1\n%d\n10\n" % (size - 10)) + b"0123456789")
    l.add("etc/alpine-release", b"3.20\n")


def record(key, value):
    body = f" {key}={value}\n".encode()
    length = len(body) + len(str(len(body) + len(str(len(body)))))
    return str(length).encode() + body


@case("a PAX header of 1 GB", gap="layer_limit", packed=False)
def pax_of_1_gb(l):
    l.header("PaxHeaders/x", GIB, b"x")
    for _ in range(1024):
        l.raw(b"9" * (1 << 20))


@case("1,000,000 entries with names of 4,000 bytes")
def long_names(l):
    middle = "/".join(["d" * 99] * 39)
    for n in range(1_000_000):
        l.add(f"{n:08}/{middle}/{n:08}")


@case("200,000 different names of 4,000 bytes that do not compress", packed=False, gap="layer_limit")
def noisy_names(l):
    for n in range(200_000):
        l.add(noise(1900, n).hex())


@case("100,000 links in circles and chains")
def links(l):
    l.add("etc/os-release", b"ID=debian\nVERSION_ID=12\n")
    for n in range(100_000):
        l.link(f"l/{n}", f"../l/{(n + 1) % 100_000}")
    l.link("self", "self")
    l.link("var", "var/var/../var")
    l.link("hard/a/package.json", "hard/b/package.json", b"1")
    l.link("hard/b/package.json", "hard/a/package.json", b"1")


@case("a JAR of 300,000 names for one manifest of 8 MB", gap="file_limit")
def jar_of_one_manifest(l):
    l.add("app-1.jar", overlapping(b"META-INF/MANIFEST.MF", b"A: b\n" * 1_600_000, 300_000))


@case("a JAR of 3,000 archives that are one, each of 10,000 poms", gap="file_limit")
def jar_of_one_pom(l):
    pom = b"groupId=a\nartifactId=b\nversion=1\n" + b"#" * 60_000
    inner = overlapping(b"p/pom.properties", pom, 10_000)
    l.add("app-1.jar", overlapping(b"x-1.jar", inner, 3000, stored=True))


def overlapping(name, data, count, stored=False):
    """A zip archive whose directory names one member `count` times."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = data if stored else packer.compress(data) + packer.flush()
    method, crc = (0 if stored else 8), zlib.crc32(data)
    fields = lambda: b"".join(x.to_bytes(n, "little") for x, n in [(method, 2), (0, 4), (crc, 4), (len(packed), 4), (len(data), 4), (len(name), 2), (0, 2)])
    local = b"PK\3\4\x14\0\0\0" + fields() + name + packed
    one = b"PK\1\2\x14\0\x14\0\0\0" + fields() + b"\0" * 14 + name
    directory = one * count
    end = b"PK\5\6" + b"\0" * 4 + min(count, 65535).to_bytes(2, "little") * 2 + len(directory).to_bytes(4, "little") + len(local).to_bytes(4, "little") + b"\0\0"
    return local + directory + end


@case("zip in zip, 2,000 deep", gap="file_limit")
def zip_in_zip(l):
    inner = archive([("x", b"")])
    for n in range(2000):
        inner = archive([("x-1.jar", inner)])
    l.add("deep-1.jar", inner)


@case("20,000 programs with absurd tables of sections")
def absurd_programs(l):
    elf = bytearray(b"\x7fELF\2\1\1".ljust(16, b"\0") + bytes(48))
    elf[16:20] = b"\3\0\x3e\0"
    elf[32:48] = (64).to_bytes(8, "little") * 2
    elf[52:64] = b"\x40\0\x38\0\xff\xff\x40\0\xff\xff\xff\xff"
    mz = b"MZ".ljust(60, b"\0") + (64).to_bytes(4, "little") + b"PE\0\0\x64\x86\xff\xff".ljust(240, b"\xff")
    macho = b"\xcf\xfa\xed\xfe\7\0\0\1" + b"\0" * 8 + b"\xff" * 16
    for n in range(20_000):
        head = [bytes(elf), mz, macho][n % 3]
        l.add(f"usr/bin/p{n}", head + noise(4096, n % 50), mode=0o755)


@case("10,000 gemspecs that are programs")
def gemspecs(l):
    text = b"Gem::Specification.new do |s|\n  s.name = 'a'\n  s.version = `curl evil`\n" + b"  s.x = (1..1e9).map { |i| \"#{i}\" * i }\n" * 200
    for n in range(10_000):
        l.add(f"usr/lib/ruby/gems/3.0.0/specifications/a{n}-1.gemspec", text)


@case("a zstd window of 2 GB", gap="corrupt_layer layer_limit", packed=False, zstd=True)
def zstd_window(l):
    l.add_large("x", iter([noise(1 << 20)] * 64), 64 << 20)


def build(directory, name, packed, zstd):
    blobs = f"{directory}/blobs/sha256"
    os.makedirs(blobs)
    layer = Layer(f"{directory}/layer", packed)
    CASES[name][2](layer)
    digest, size = layer.close()
    if zstd:
        # From a pipe: of a file whose size it knows it would make the window no larger than that.
        subprocess.run(f"cat {directory}/layer | zstd -q -1 --long=31 -c > {directory}/z", shell=True, check=True)
        os.replace(f"{directory}/z", f"{directory}/layer")
        digest, size = "sha256:" + hashlib.sha256(open(f"{directory}/layer", "rb").read()).hexdigest(), os.path.getsize(f"{directory}/layer")
    os.replace(f"{directory}/layer", f"{blobs}/{digest[7:]}")

    def put(value):
        data = json.dumps(value).encode()
        name = hashlib.sha256(data).hexdigest()
        open(f"{blobs}/{name}", "wb").write(data)
        return {"digest": f"sha256:{name}", "size": len(data)}
    kind = "tar+zstd" if zstd else "tar+gzip" if packed else "tar"
    config = put({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [digest]}, "config": {}})
    manifest = put({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                    "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **config},
                    "layers": [{"mediaType": f"application/vnd.oci.image.layer.v1.{kind}", "digest": digest, "size": size}]})
    with open(f"{directory}/index.json", "w") as f:
        json.dump({"schemaVersion": 2, "manifests": [{"mediaType": "application/vnd.oci.image.manifest.v1+json", **manifest}]}, f)
    open(f"{directory}/oci-layout", "w").write('{"imageLayoutVersion":"1.0.0"}')
    return f"{blobs}/{digest[7:]}", size


def measure(command, temporary=None, timeout=1800):
    """Seconds, CPU seconds, peak MiB, largest temporary files in MiB, exit code."""
    environment = dict(os.environ, SYFT_CHECK_FOR_APP_UPDATE="false", **({"TMPDIR": temporary} if temporary else {}))
    begin = time.time()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, start_new_session=True)
    spool, done = [0], threading.Event()

    def watch():
        while not done.wait(0.02):
            total = 0
            try:
                for fd in os.listdir(f"/proc/{process.pid}/fd"):
                    path = f"/proc/{process.pid}/fd/{fd}"
                    if os.readlink(path).endswith("(deleted)"):
                        total += os.stat(path).st_blocks * 512
            except OSError:
                pass
            spool[0] = max(spool[0], total)
            if time.time() - begin > timeout:
                os.killpg(process.pid, 9)
    watcher = threading.Thread(target=watch)
    watcher.start()
    _, status, usage = os.wait4(process.pid, 0)
    done.set()
    watcher.join()
    return time.time() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, spool[0] / (1 << 20), os.waitstatus_to_exitcode(status)


def line(*cells):
    print("| " + " | ".join(cells) + " |", flush=True)


def told(row):
    return f"{row[0]:.2f}", f"{row[1]:.2f}", f"{row[2]:.0f}", f"{row[3]:.0f}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("layergate"); parser.add_argument("snapshot"); parser.add_argument("cases", nargs="*")
    parser.add_argument("--work"); parser.add_argument("--keep", action="store_true")
    parser.add_argument("--syft"); parser.add_argument("--trivy"); parser.add_argument("--trivy-cache")
    a = parser.parse_args()
    unknown = set(a.cases) - set(CASES)
    assert not unknown, f"no such case: {unknown}; there are {', '.join(CASES)}"
    work = tempfile.mkdtemp(prefix="layergate-hostile-", dir=a.work)
    wrong = []
    line("case", "program", "wall s", "CPU s", "peak MiB", "temporary MiB", "what it says")
    line(*["---"] * 7)
    try:
        for name, (about, expect, _) in CASES.items():
            if a.cases and name not in a.cases:
                continue
            directory, packed = f"{work}/{name}", expect.get("packed", True)
            # Whatever needs memory runs in a process of its own: a child's peak memory counts what its parent had when it was forked.
            with multiprocessing.Pool(1) as pool:
                blob, size = pool.apply(build, (directory, name, packed, expect.get("zstd", False)))
            os.makedirs(f"{work}/tmp", exist_ok=True)
            report = f"{work}/report.json"
            row = measure([a.layergate, "scan", "--offline", "--quiet", "--db", a.snapshot, "--cache-dir", f"{work}/cache", "-o", f"json={report}", f"oci:{directory}"], f"{work}/tmp")
            with multiprocessing.Pool(1) as pool:
                said, fault = pool.apply(judge, (report, row[4], expect))
            line(about, "layergate", *told(row), said)
            if fault:
                wrong.append(f"{name}: {fault}")
            if not expect.get("zstd"):
                unpack = f"gunzip -c {blob}" if packed else f"cat {blob}"
                line(f"layer of {size / 1e6:.1f} MB", "tar t", *told(measure(["bash", "-c", f"{unpack} | tar t"])), "")
                line("", "tar t, sha256sum", *told(measure(["bash", "-c", f"tee >(sha256sum > /dev/null) < {blob} | {'gunzip -c | ' if packed else ''}tar t"])), "")
            if expect.get("peers"):
                if a.syft:
                    row = measure([a.syft, "scan", "-q", f"oci-dir:{directory}", "-o", f"json={report}"], f"{work}/tmp")
                    with multiprocessing.Pool(1) as pool:
                        line("", "Syft", *told(row), pool.apply(listed, (report, row[4])))
                if a.trivy:
                    shutil.rmtree(f"{work}/trivy", ignore_errors=True)
                    shutil.copytree(a.trivy_cache, f"{work}/trivy")
                    shutil.rmtree(f"{work}/trivy/fanal", ignore_errors=True)
                    row = measure([a.trivy, "image", "--input", directory, "--cache-dir", f"{work}/trivy", "--skip-db-update", "--skip-java-db-update", "--offline-scan", "-q", "--scanners", "vuln", "--format", "json", "--list-all-pkgs", "-o", report], f"{work}/tmp")
                    with multiprocessing.Pool(1) as pool:
                        line("", "Trivy", *told(row), pool.apply(listed, (report, row[4])))
            shutil.rmtree(f"{work}/cache", ignore_errors=True)
            if not a.keep:
                shutil.rmtree(directory)
    finally:
        if not a.keep:
            shutil.rmtree(work, ignore_errors=True)
    if wrong:
        sys.exit("\n".join(wrong))


def listed(path, code):
    """How many packages a peer lists."""
    if code != 0:
        return f"exit {code}"
    report = json.load(open(path))
    found = report.get("artifacts") or [p for r in report.get("Results") or [] for p in r.get("Packages") or []]
    return f"{len(found)} packages"


def judge(path, code, expect):
    """What the report says, and what is wrong with that."""
    if code not in (0, 1, 3):
        return f"exit {code}", f"exit {code}"
    try:
        report = json.load(open(path))
    except (OSError, ValueError):
        return f"exit {code}, no report", "no report"
    finally:
        if os.path.exists(path):
            os.remove(path)
    kinds = sorted({g["kind"] for g in report["gaps"]})
    packages = report["summary"]["packages"]
    said = f"{packages} packages" + (f", gaps: {', '.join(kinds)}" if kinds else "")
    if "packages" in expect and packages != expect["packages"]:
        return said, f"{packages} packages where {expect['packages']} are"
    if "gap" in expect and not set(kinds) & set(expect["gap"].split()):
        return said, f"gaps {kinds} without {expect['gap']}"
    if "analyzer_failed" in kinds:
        return said, "an analyzer broke down"
    return said, None


main()
