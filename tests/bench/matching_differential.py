#!/usr/bin/env python3
"""Our matcher against Trivy's, over every package of Trivy's own database.

For each bucket of trivy.db (a distribution's release, a language) and each package in it, SBOMs are made that hold the
package at, just below and just above every version its advisories name, and in the spellings that trip matchers up
(epochs, pre-releases, builds, revisions, pseudo-versions). Both programs judge the same SBOM; what each finds is compared
as (package, version, vulnerability), where an advisory with CVEs stands for them. Differences are put into classes: one that only
our database can know, one that only Trivy's can, and those that two matchers decide differently on the same record.

usage: matching_differential.py TRIVY TRIVY_CACHE LAYERGATE SNAPSHOT ADVISORY_CVES.tsv OUT.json [BUCKET_REGEX]
TRIVY_CACHE is copied first (Trivy locks it). OUT.json has examples of each class.
"""
import collections, json, os, re, shutil, struct, subprocess, sys, tempfile, urllib.parse

BOUNDS = int(os.environ.get('BOUNDS', '24'))       # bounds tried of one package
BINARY = os.environ.get('BINARY', '')                 # a suffix: packages are binaries named otherwise than their source
LOAD = int(os.environ.get('LOAD', '150000'))       # (advisory, version) pairs of one SBOM


# ---- trivy.db: a bbolt file, read page by page ------------------------------------------------------------------------
class Bolt:
    def __init__(self, path):
        self.data = open(path, 'rb').read()
        size = struct.unpack_from('<I', self.data, 16 + 8)[0]
        metas = []
        for page in (0, 1):
            at = page * size + 16
            magic, _, psize, _, root, _ = struct.unpack_from('<IIIIQQ', self.data, at)
            txid = struct.unpack_from('<Q', self.data, at + 48)[0]
            if magic == 0xED0CDAED: metas.append((txid, root, psize))
        _, self.root, self.size = max(metas)

    def walk(self, page=None, buffer=None, at=0):
        """(key, value or None, sub-bucket or None) of a page."""
        data = self.data if buffer is None else buffer
        at = self.size * page if buffer is None else at
        flags, count = struct.unpack_from('<HH', data, at + 8)
        for i in range(count):
            e = at + 16 + 16 * i
            if flags & 1:
                child = struct.unpack_from('<Q', data, e + 8)[0]
                yield from self.walk(child)
            else:
                leaf, pos, ks, vs = struct.unpack_from('<IIII', data, e)
                key = data[e + pos:e + pos + ks]; value = data[e + pos + ks:e + pos + ks + vs]
                if leaf & 1: yield key.decode(), None, value
                else: yield key.decode(), value, None

    def bucket(self, header):
        root = struct.unpack_from('<Q', header, 0)[0]
        return self.walk(buffer=header, at=16) if root == 0 else self.walk(root)

    def top(self):
        for name, _, header in self.walk(self.root):
            if header is not None: yield name, header


def database(path):
    """bucket -> package -> advisory id -> record"""
    bolt = Bolt(path); out = {}
    for name, header in bolt.top():
        if name in ('vulnerability', 'data-source', 'Red Hat CPE', 'vulnerability-id'): continue
        packages = {}
        for package, _, inner in bolt.bucket(header):
            if inner is None: continue
            packages[package] = {k: json.loads(v) for k, v, _ in bolt.bucket(inner) if v is not None}
        out[name] = packages
    return out


# ---- versions to try --------------------------------------------------------------------------------------------------
def bounds(records):
    found = []
    for r in records.values():
        for key in ('FixedVersion', 'AffectedVersion'):
            if r.get(key): found.append(r[key])
        for key in ('VulnerableVersions', 'PatchedVersions', 'UnaffectedVersions'):
            for constraint in r.get(key) or []:
                found += re.findall(r'[0-9a-zA-Z][^\s,|<>=~^!]*', constraint)
    found = sorted({f for f in found if re.search(r'\d', f) and f != '0'})
    if len(found) > BOUNDS:  # evenly, so that old and new ones are among them
        found = [found[i * len(found) // BOUNDS] for i in range(BOUNDS)]
    return found


def bump(version, by):
    """The last number of a version (before a pre-release) moved."""
    core = re.match(r'v?\d+(\.\d+)*', version)
    if not core: return []
    numbers = core.group(0).split('.'); last = numbers[-1].lstrip('v')
    moved = int(last) + by
    if moved < 0: return []
    numbers[-1] = ('v' if numbers[-1].startswith('v') else '') + str(moved)
    return ['.'.join(numbers)]


def dpkg(f):
    # A version from an extended pocket would make the whole SBOM an image with extended support.
    if 'esm' in f: return []
    out = [f, f + '~', f + '~~', f + '+b1', f + '.1', f + 'ubuntu1']
    if ':' in f: out += [f.split(':', 1)[1], '9:' + f.split(':', 1)[1]]
    else: out += ['1:' + f]
    if '-' in f: out += [f.rsplit('-', 1)[0] + '-0', f.rsplit('-', 1)[0] + '+dfsg-1', f.rsplit('-', 1)[0]]
    return out


def rpm(f):
    out = [f, f + '~', f + '.1', f + '^1', f + '_1']
    if ':' in f: out += [f.split(':', 1)[1], '9:' + f.split(':', 1)[1]]
    else: out += ['1:' + f]
    if '-' in f:
        version, release = f.rsplit('-', 1)
        out += [f'{version}~rc1-{release}', f'{version}^git1-{release}', f'{version}-0', f'{version}.1-1', f'{version}-99']
        out += [re.sub(r'\.el\d+\S*', '.el8', f), re.sub(r'\.el(\d+)_\d+', r'.el\1', f)]
    return [v for v in out if re.search('-', v)]


def apk(f):
    base, _, revision = f.rpartition('-r'); out = [f]
    if not base or not revision.isdigit(): return [f]
    out += [f'{base}-r{int(revision) + 1}'] + ([f'{base}-r{int(revision) - 1}'] if int(revision) else [])
    out += [v + '-r3' for v in bump(base, -1)] + [base]
    if re.fullmatch(r'\d+(\.\d+)*', base):
        out += [f'{base}_rc1-r0', f'{base}_p1-r0', f'{base}_alpha-r1', f'{base}a-r0', f'{base}.1-r0', f'{base}_git20200101-r0']
    return out


def moved(f): return [f] + bump(f, -1) + bump(f, 1)


def semver(f):
    return moved(f) + ([f + t for t in ('-0', '-rc.1', '-beta', '+build.5')] if re.fullmatch(r'\d+\.\d+\.\d+', f) else [])


def pep440(f):
    tails = ('.dev0', 'rc1', '.post1', '+local.1', '.0', 'a1') if re.fullmatch(r'\d+(\.\d+)+', f) else ()
    return moved(f) + [f + t for t in tails] + ['1!' + f]


def maven(f):
    tails = ('-SNAPSHOT', '.Final', '-rc1', '-beta-1', '.RELEASE', '-jre', '.1', '-alpha1', '-1', '-redhat-1', '.0')
    return moved(f) + ([f + t for t in tails] if re.fullmatch(r'\d+(\.\d+)+', f) else [])


def gem(f):
    return moved(f) + ([f + t for t in ('.pre', '.rc1', '.1', '.0')] if re.fullmatch(r'\d+(\.\d+)+', f) else [])


def golang(f):
    f = f.removeprefix('v'); out = ['v' + v for v in moved(f)] + ['v0.0.0-20200101000000-abcdefabcdef', 'v0.0.0-20991231000000-abcdefabcdef']
    if re.fullmatch(r'\d+\.\d+\.\d+', f):
        out += [f'v{f}-0.20200101000000-abcdefabcdef', f'v{f}-rc.1', f'v{f}-rc.1.0.20200101000000-abcdefabcdef', f'v{f}+incompatible']
        out += [f'v{v}-0.20230101000000-abcdefabcdef' for v in bump(f, 1)]
    return out


def composer(f):
    tails = ('-beta1', '-RC2', '-dev', '-p1', '.0') if re.fullmatch(r'\d+(\.\d+)+', f) else ()
    return moved(f) + ['v' + f] + [f + t for t in tails]


def bitnami(f):
    return moved(f) + ([f + t for t in ('-0', '-1', '-r1', '-10')] if re.fullmatch(r'\d+\.\d+\.\d+', f) else [])


# bucket, purl type, purl namespace, name of the operating system for Trivy, versions
KINDS = [
    (r'alpine (\S+)', 'apk', 'alpine', 'alpine', apk), (r'debian (\S+)', 'deb', 'debian', 'debian', dpkg),
    (r'ubuntu (\S+)', 'deb', 'ubuntu', 'ubuntu', dpkg), (r'(echo)', 'deb', 'echo', 'echo', dpkg),
    (r'alma (\S+)', 'rpm', 'alma', 'alma', rpm), (r'rocky (\S+)', 'rpm', 'rocky', 'rocky', rpm),
    (r'Oracle Linux (\S+)', 'rpm', 'oracle', 'oracle', rpm), (r'amazon linux (\S+)', 'rpm', 'amazon', 'amazon', rpm),
    (r'Photon OS (\S+)', 'rpm', 'photon', 'photon', rpm), (r'SUSE Linux Enterprise (\S+)', 'rpm', 'suse', 'suse linux enterprise server', rpm),
    (r'openSUSE Leap (\S+)', 'rpm', 'opensuse', 'opensuse.leap', rpm),
    (r'openSUSE (Tumbleweed)', 'rpm', 'opensuse', 'opensuse.tumbleweed', rpm),
    (r'CBL-Mariner (\S+)', 'rpm', 'cbl-mariner', 'cbl-mariner', rpm), (r'Azure Linux (\S+)', 'rpm', 'azurelinux', 'azurelinux', rpm),
    (r'(wolfi)', 'apk', 'wolfi', 'wolfi', apk), (r'(chainguard)', 'apk', 'chainguard', 'chainguard', apk),
    (r'(minimos)', 'apk', 'minimos', 'minimos', apk),
    (r'(bitnami)::.*', 'bitnami', '', '', bitnami), (r'(cargo)::.*', 'cargo', '', '', semver),
    (r'(composer)::.*', 'composer', '', '', composer), (r'(go)::.*', 'golang', '', '', golang),
    (r'(maven)::.*', 'maven', '', '', maven), (r'(npm)::.*', 'npm', '', '', semver), (r'(nuget)::.*', 'nuget', '', '', semver),
    (r'(pip)::.*', 'pypi', '', '', pep440), (r'(rubygems)::.*', 'gem', '', '', gem),
    (r'(swift)::.*', 'swift', '', '', semver), (r'(pub)::.*', 'pub', '', '', semver), (r'(hex|erlang)::.*', 'hex', '', '', semver),
    (r'(conan)::.*', 'conan', '', '', semver), (r'(julia)::.*', 'julia', '', '', semver),
]


# ---- SBOMs ------------------------------------------------------------------------------------------------------------
def purl(kind, namespace, name, version, qualifiers=''):
    quote = lambda s: urllib.parse.quote(s, safe='')
    if kind == 'maven': group, _, name = name.rpartition(':')
    elif kind in ('golang', 'npm', 'composer', 'swift'): group, _, name = name.rpartition('/')
    else: group = namespace
    path = '/'.join(quote(p) for p in group.split('/') if p)
    return f"pkg:{kind}/{path + '/' if path else ''}{quote(name)}@{quote(version)}{qualifiers}"


def component(kind, namespace, system, release, name, version):
    properties, qualifiers = [], ''
    if system:
        epoch, _, rest = version.rpartition(':') if kind != 'apk' else ('', '', version)
        ver, _, rel = rest.rpartition('-') if kind != 'apk' and '-' in rest else (rest, '', '')
        prop = lambda k, v: properties.append({'name': 'aquasecurity:trivy:' + k, 'value': v})
        prop('PkgType', {'deb': namespace, 'rpm': namespace, 'apk': namespace}[kind])
        prop('SrcName', name); prop('SrcVersion', ver)
        name += BINARY
        if rel: prop('SrcRelease', rel)
        if epoch and epoch != '0': prop('SrcEpoch', epoch)
        qualifiers = '?arch=x86_64&distro=' + urllib.parse.quote(f'{namespace}-{release}')
        if epoch and epoch != '0': qualifiers += '&epoch=' + epoch
        if kind == 'rpm' or kind == 'deb': version = rest
    p = purl(kind, namespace, name, version, qualifiers)
    c = {'bom-ref': p, 'type': 'library', 'name': name, 'version': version, 'purl': p, 'properties': properties}
    if kind == 'maven': c['group'], _, c['name'] = name.rpartition(':')
    return c


def sbom(path, system, release, components):
    doc = {'bomFormat': 'CycloneDX', 'specVersion': '1.5', 'version': 1, 'metadata': {'component': {'bom-ref': 'root', 'type': 'container', 'name': 'probe'}}, 'components': []}
    deps = [{'ref': 'root', 'dependsOn': ['os'] if system else [c['bom-ref'] for c in components]}]
    if system:
        doc['components'].append({'bom-ref': 'os', 'type': 'operating-system', 'name': system, 'version': release, 'properties': [{'name': 'aquasecurity:trivy:Class', 'value': 'os-pkgs'}, {'name': 'aquasecurity:trivy:Type', 'value': system}]})
        deps.append({'ref': 'os', 'dependsOn': [c['bom-ref'] for c in components]})
    doc['components'] += components
    doc['dependencies'] = deps
    json.dump(doc, open(path, 'w'))


def batches(packages, kind):
    namespace, system, release, versions = kind[1], kind[2], kind[3], kind[4]
    out, load = [], 0
    for name, records in packages.items():
        tried = {'0.0.0' if kind[0] not in ('deb', 'rpm', 'apk') else {'apk': '0-r0'}.get(kind[0], '0-0'), {'apk': '99999-r0', 'rpm': '99999-1', 'deb': '99999-1'}.get(kind[0], '99999.0.0')}
        for bound in bounds(records): tried.update(versions(bound))
        seen = {}
        for v in sorted(tried):
            c = component(kind[0], namespace, system, release, name, v)
            seen[c['bom-ref']] = c
        load += len(records) * len(seen)
        out += seen.values()
        if load > LOAD or len(out) > 6000:
            yield out
            out, load = [], 0
    if out: yield out


# ---- both programs ----------------------------------------------------------------------------------------------------
def full(kind, version, epoch):
    return f'{epoch}:{version}' if epoch and str(epoch) != '0' else version


def of_trivy(trivy, cache, path):
    r = subprocess.run([trivy, 'sbom', path, '--cache-dir', cache, '--skip-db-update', '--skip-java-db-update', '--offline-scan', '--format', 'json', '--list-all-pkgs', '--quiet', '--scanners', 'vuln', '--skip-version-check'], capture_output=True, text=True)
    if r.returncode: sys.exit('trivy: ' + r.stderr[-2000:])
    found, seen = set(), set()
    for res in json.loads(r.stdout).get('Results') or []:
        for p in res.get('Packages') or []: seen.add(p['Identifier'].get('BOMRef') or p['Identifier']['PURL'])
        for v in res.get('Vulnerabilities') or []:
            found.add((v['PkgIdentifier'].get('BOMRef') or v['PkgIdentifier']['PURL'], v['VulnerabilityID']))
    return found, seen


def of_us(layergate, snapshot, path, tmp, components):
    out = os.path.join(tmp, 'ours.json')
    if os.path.exists(out): os.unlink(out)
    r = subprocess.run([layergate, 'scan', '--offline', '--quiet', '--db', snapshot, '--cache-dir', os.path.join(tmp, 'c'), '-o', 'json=' + out, 'sbom:' + path], capture_output=True, text=True)
    if not os.path.exists(out): sys.exit('layergate: ' + r.stderr[-2000:])
    report = json.load(open(out))
    names = {}
    for c in components:
        name = (c['group'] + ':' if c.get('group') else '') + c['name']
        epoch = re.search(r'&epoch=(\d+)', c['purl'])
        names.setdefault((name.lower(), full('', c['version'], epoch and epoch.group(1))), c['bom-ref'])
    refs, seen = {}, set()
    for p in report['packages']:
        ref = names.get((p['name'].lower(), p['version']))
        if ref is None: ref = 'unknown:' + p['name'] + '@' + p['version']
        refs[p['id']] = ref; seen.add(ref)
    found = collections.defaultdict(set)
    for f in report['findings']:
        if f['status'] != 'not_affected': found[refs[f['package']]].add((f['advisory'],) + tuple(f['aliases']))
    return found, seen, report['gaps']


def main():
    trivy, cache, layergate, snapshot, cves, out = sys.argv[1:7]
    wanted = re.compile(sys.argv[7] if len(sys.argv) > 7 else '')
    expand = {}
    for line in open(cves):
        cells = line.rstrip('\n').split('\t')
        if len(cells) >= 2: expand[cells[0]] = set(re.split(r'[ ,]+', cells[1].strip()))
    tmp = tempfile.mkdtemp(); copy = os.path.join(tmp, 'cache'); shutil.copytree(cache, copy)
    db = database(os.path.join(copy, 'db', 'trivy.db'))
    result = {}
    for bucket, packages in sorted(db.items()):
        if not wanted.search(bucket): continue
        kind = next(((k[1], k[2], k[3], m.group(1), k[4]) for k in KINDS if (m := re.fullmatch(k[0], bucket))), None)
        if kind is None: print(f'{bucket}: no idea how to make an SBOM of it'); continue
        total = collections.Counter(); misses, beyond, gaps = [], [], collections.Counter()
        known, recorded = collections.defaultdict(set), collections.defaultdict(set)
        for parts in batches(packages, kind):
            path = os.path.join(tmp, 'probe.cdx.json'); sbom(path, kind[2], kind[3], parts)
            theirs, theirs_seen = of_trivy(trivy, copy, path)
            ours, ours_seen, our_gaps = of_us(layergate, snapshot, path, tmp, parts)
            refs = {c['bom-ref'] for c in parts}
            total['versions'] += len(refs); total['trivy did not read'] += len(refs - theirs_seen); total['we did not read'] += len(refs - ours_seen)
            for g in our_gaps: gaps[g['kind']] += 1; total['undecided'] += g['kind'] == 'uncomparable_version'
            by = collections.defaultdict(set)
            for ref, vid in theirs: by[ref].add(vid)
            for ref in refs & theirs_seen & ours_seen:
                mine = {i for f in ours.get(ref, ()) for i in f}
                told = set()
                for vid in by.get(ref, ()):
                    alternatives = {vid} | expand.get(vid, set())
                    told |= alternatives
                    total['theirs'] += 1
                    if mine & alternatives: total['both'] += 1
                    else: misses.append((ref, vid))
                for f in ours.get(ref, ()):
                    total['ours'] += 1
                    known[named(ref)] |= set(f)
                    if not set(f) & told: beyond.append((ref, f))
        for package, records in packages.items():
            for vid in records: recorded[plain_name(package)] |= {vid} | expand.get(vid, set())
        missing = classes(misses, lambda name, vid: bool(known[name] & ({vid} | expand.get(vid, set()))), 'never found by us')
        more = classes(beyond, lambda name, ids: bool(recorded[name] & set(ids)), 'not in their database')
        total.update(missing=len(misses), beyond=len(beyond))
        print(bucket, dict(total), dict(gaps), flush=True)
        for side, found in (('missing', missing), ('beyond', more)):
            for label, rows in sorted(found.items()):
                pairs = {(named(r), v if isinstance(v, str) else v[0]) for r, v in rows}
                print(f'    {side}, {label}: {len(rows)} versions, {len(pairs)} pairs, such as {rows[0][0].split("?")[0]} {rows[0][1]}', flush=True)
        result[bucket] = {'total': total, 'missing': missing, 'beyond': more}
        json.dump(result, open(out, 'w'))
    shutil.rmtree(tmp, ignore_errors=True)


def plain_name(name): return name.lower().replace('_', '-').replace('.', '-').replace(':', '/')


def named(ref):
    """The package of a package URL, without version, namespace of a distribution, or spelling."""
    kind, path = ref.removeprefix('pkg:').split('/', 1)
    path = urllib.parse.unquote(path.split('?')[0].rpartition('@')[0]).removesuffix(BINARY)
    return plain_name(path.split('/', 1)[1] if kind in ('deb', 'rpm', 'apk') else path)


def classes(rows, shared, label):
    """Rows by what they are: records that only one database has; modular builds; decided differently."""
    out = collections.defaultdict(list)
    for ref, ids in rows:
        if not shared(named(ref), ids): out[label].append((ref, ids))
        elif '.module' in ref: out['builds of modules'].append((ref, ids))
        else: out['decided differently'].append((ref, ids))
    return dict(out)


if __name__ == '__main__': main()
