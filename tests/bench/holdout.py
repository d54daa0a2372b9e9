#!/usr/bin/env python3
"""Hold our packages against what Trivy and Syft list, live, on items of one's own.

usage: holdout.py LAYERGATE DB DIR [--trivy BIN] [--trivy-cache DIR] [--syft BIN] [--only REGEX] [--again] [--out FILE]

DIR holds one folder for each item: `root/` (scanned as a root file system; as a source directory when the item's name
begins with `fs-`) or `image.tar` (a docker or OCI archive). The peers' answers are kept in the item's `peers.json`, so
that only ours is run again; `--again` asks them anew. Names and versions are compared as the parity bar does it:
lower case, `_` as `-`, no leading `v`, `go` or epoch 0. Printed for each item: how many each lists, what a peer lists and
we do not, what we list and nobody else does, and what we list twice (the same purl, or the same name and version at the
same place). What `holdout-explained.tsv` beside this file explains (item regex, peer, regex of `name version` or, after an `@`, of the place, why) is marked so.
"""
import argparse, collections, json, os, re, shutil, subprocess, sys, tempfile, urllib.parse

here = os.path.dirname(os.path.abspath(__file__))
arg = argparse.ArgumentParser()
for name in ('layergate', 'db', 'dir'): arg.add_argument(name)
arg.add_argument('--trivy', default='trivy'); arg.add_argument('--trivy-cache', default=''); arg.add_argument('--syft', default='syft')
arg.add_argument('--only', default=''); arg.add_argument('--again', action='store_true'); arg.add_argument('--out', default='')
arg.add_argument('--markdown', default='', help='write the page of results there')
arg.add_argument('--extras', type=int, default=25, help='how many of the packages that only we list are printed')
arg = arg.parse_args()

# Trivy would resolve a pom.xml from this machine's Maven repository, Syft look up licenses in its Go cache.
empty_home = tempfile.mkdtemp()
def run(command, timeout=900):
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, env=os.environ | {'HOME': empty_home, 'GOPATH': empty_home})
    return done.stdout, done.stderr, done.returncode

def name_of(text): return text.lower().replace('_', '-')
def version_of(text): return re.sub(r'^(v|go)(?=\d)', '', text or '').removeprefix('0:')

def trivy(item, kind, path):
    mode = {'image': ['image', '--input', path], 'fs': ['fs', '--include-dev-deps', path], 'rootfs': ['rootfs', path]}[kind]
    cache = tempfile.mkdtemp()
    if arg.trivy_cache: shutil.copytree(arg.trivy_cache, cache, dirs_exist_ok=True)
    out, err, code = run([arg.trivy, mode[0], '--cache-dir', cache, '--skip-db-update', '--skip-java-db-update', '--offline-scan', '--skip-version-check',
                          '--scanners', 'vuln', '--list-all-pkgs', '--format', 'json', '--timeout', '30m', '--quiet', *mode[1:]])
    shutil.rmtree(cache, ignore_errors=True)
    if code != 0: return {'error': err[-300:] or f'exit {code}', 'packages': []}
    found = []
    for result in json.loads(out).get('Results') or []:
        for p in result.get('Packages') or []:
            version = p.get('Version') or ''
            if p.get('Release'): version = f"{version}-{p['Release']}"
            if p.get('Epoch'): version = f"{p['Epoch']}:{version}"
            found.append([p['Name'], version, result.get('Type', ''), result.get('Target', '') + (' ' + p['FilePath'] if p.get('FilePath') else '')])
    return {'packages': found}

def syft(item, kind, path):
    source = {'image': 'docker-archive:', 'fs': 'dir:', 'rootfs': 'dir:'}[kind]
    if kind == 'image' and b'oci-layout' in subprocess.run(['tar', '-tf', path], capture_output=True).stdout.split(): source = 'oci-archive:'
    out, err, code = run([arg.syft, 'scan', source + path, '-o', 'syft-json', '-q'])
    if code != 0: return {'error': err[-300:] or f'exit {code}', 'packages': []}
    return {'packages': [[p['name'], p.get('version') or '', p.get('type', ''), ' '.join(l['path'] for l in (p.get('locations') or [])[:2]), p.get('foundBy', '')] for p in json.loads(out)['artifacts']]}

def ours(path, kind, tmp):
    report = os.path.join(tmp, 'report.json')
    target = path if kind == 'image' else 'dir:' + path
    _, err, code = run([arg.layergate, 'scan', '--offline', '--quiet', '--db', arg.db, '--cache-dir', os.path.join(tmp, 'cache'), '-o', 'json=' + report, target])
    if not os.path.exists(report): return None, f'exit {code}: {err[-300:]}'
    return json.load(open(report)), ''

def keys(package):
    """The names under which a peer may list one of our packages, as the parity bar has it."""
    version = version_of(package.get('version'))
    found = {(name_of(package['name']), version)}
    purl = (package.get('purl') or '').split('?')[0].split('/', 1)[-1]
    if '@' in purl:
        name = urllib.parse.unquote(purl.rsplit('@', 1)[0])
        found |= {(name_of(n), version) for n in (name, name.replace('/', ':'), name.rsplit('/', 1)[-1])}
    return found

explained = []
if os.path.exists(table := os.path.join(here, 'holdout-explained.tsv')):
    explained = [l.rstrip('\n').split('\t') for l in open(table) if l.strip() and not l.startswith('#')]
def why(item, peer, text, place):
    fits = lambda rule: re.search(rule[1:], place) if rule.startswith('@') else re.fullmatch(rule, text, re.I)
    return next((e[3] for e in explained if re.search(e[0], item) and e[1] in (peer, 'any') and fits(e[2])), None)

total, details = collections.Counter(), []
for item in sorted(os.listdir(arg.dir)):
    at = os.path.join(arg.dir, item)
    if arg.only and not re.search(arg.only, item): continue
    kind = 'image' if os.path.exists(f'{at}/image.tar') else 'fs' if item.startswith('fs-') else 'rootfs'
    path = f'{at}/image.tar' if kind == 'image' else f'{at}/root'
    if not os.path.exists(path): continue
    kept = f'{at}/peers.json'
    if arg.again or not os.path.exists(kept):
        json.dump({'trivy': trivy(item, kind, path), 'syft': syft(item, kind, path)}, open(kept, 'w'))
    peers = json.load(open(kept))
    tmp = tempfile.mkdtemp()
    report, error = ours(path, kind, tmp)
    shutil.rmtree(tmp, ignore_errors=True)
    row = {'item': item, 'kind': kind}
    print(f'## {item} ({kind})')
    for peer in peers:
        row[peer + '_failed'] = bool(peers[peer].get('error'))
        if row[peer + '_failed']: print(f'   {peer} failed: {peers[peer]["error"]}')
    packages = (report or {}).get('packages') or []
    if report is None: print('   no report from us:', error)
    have = set().union(*(keys(p) for p in packages)) if packages else set()
    others, text = set(), []
    for peer in ('trivy', 'syft'):
        listed = {}
        for p in peers[peer]['packages']:
            if p[1]: listed.setdefault((name_of(p[0]), version_of(p[1])), p)
        others |= set(listed)
        missing = sorted(k for k in listed if k not in have)
        reasons = {k: why(item, peer, ' '.join(k), str(listed[k][3])) for k in missing}
        row[peer], row[peer + '_hit'] = len(listed), len(listed) - len(missing)
        row[peer + '_explained'] = sum(1 for r in reasons.values() if r)
        row[peer + '_missing'] = [[*k, reasons[k]] for k in missing]
        for k in missing:
            if not reasons[k]: text.append(f'   - {peer} only: {k[0]} {k[1]}  [{"; ".join(str(x) for x in listed[k][2:])}]')
        for n in ('', '_hit', '_explained'): total[peer + n] += row[peer + n]
    extra = sorted((p for p in packages if not keys(p) & others), key=lambda p: (p['type'], p['name']))
    purls = collections.Counter(p['purl'] for p in packages)
    # Distributions name packages of several architectures apart only in the purl's qualifiers.
    places = collections.Counter((name_of(p['name']), p.get('version'), l) for p in packages if p['type'] not in ('deb', 'rpm', 'apk') for l in p['locations'][:1])
    twice = [p for p, n in purls.items() if n > 1] + [' '.join(map(str, k)) for k, n in places.items() if n > 1]
    row.update(ours=len(packages), beyond=len(extra), twice=len(twice), owned=sum(1 for p in packages if p.get('owned_by')), gaps=[f"{g['kind']} {g['where']} {g['detail']}" for g in (report or {}).get('gaps') or []])
    for n in ('ours', 'beyond', 'twice', 'owned'): total[n] += row[n]
    total['items'] += 1
    row['beyond_packages'] = [[p['type'], p['name'], p.get('version'), p['locations'][0] if p['locations'] else ''] for p in extra]
    print(f"   trivy {row['trivy_hit']}/{row['trivy']} syft {row['syft_hit']}/{row['syft']} ours {row['ours']} (owned {row['owned']}), beyond {row['beyond']}, twice {row['twice']}, explained {row['trivy_explained'] + row['syft_explained']}")
    shown = collections.Counter()
    for p in row['beyond_packages'][:arg.extras]: text.append(f'   + ours only: {" ".join(map(str, p))}')
    for p in twice[:10]: text.append(f'   ! twice: {p}')
    for g in row['gaps'][:6]: text.append(f'   ~ gap: {g[:200]}')
    print('\n'.join(text), flush=True)
    details.append(row)
share = lambda hit, of: f'{100 * hit / of if of else 100:.2f}%'
print(f"items {total['items']}: trivy {share(total['trivy_hit'], total['trivy'])} ({total['trivy'] - total['trivy_hit'] - total['trivy_explained']} unexplained), "
      f"syft {share(total['syft_hit'], total['syft'])} ({total['syft'] - total['syft_hit'] - total['syft_explained']} unexplained), ours {total['ours']}, beyond {total['beyond']}, twice {total['twice']}")
if arg.markdown:
    intro = open(os.path.join(here, 'holdout-intro.md')).read()
    lines = [intro, '| item | kind | Trivy | ours of them | Syft | ours of them | we list | owned by the system | not explained |', '|---|---|---|---|---|---|---|---|---|']
    for r in details:
        open_ = sum(r[p] - r[p + '_hit'] - r[p + '_explained'] for p in ('trivy', 'syft'))
        lines.append(f"| {r['item']} | {r['kind']} | {r['trivy']} | {r['trivy_hit']} | {r['syft'] if not r['syft_failed'] else 'broke down'} | {r['syft_hit']} | {r['ours']} | {r['owned']} | {open_} |")
    t = total
    lines += [f"| **all {t['items']}** | | {t['trivy']} | {t['trivy_hit']} ({share(t['trivy_hit'], t['trivy'])}) | {t['syft']} | {t['syft_hit']} ({share(t['syft_hit'], t['syft'])}) | {t['ours']} | {t['owned']} | {t['trivy'] + t['syft'] - t['trivy_hit'] - t['syft_hit'] - t['trivy_explained'] - t['syft_explained']} |", '',
              f"Listed twice (the same purl, or the same name and version at the same place): {t['twice']}.", '', '## What a peer lists and we do not, with the reason', '', '| packages | peer | why |', '|---|---|---|']
    bare = {p: sum(1 for r in details for m in r[p + '_missing'] if (m[2] or '').startswith('no version')) for p in ('trivy', 'syft')}
    lines[-6] += (f" Without the packages that have no version (Trivy {bare['trivy']}, Syft {bare['syft']}; kernel modules nearly all) we list "
                  f"{share(t['trivy_hit'], t['trivy'] - bare['trivy'])} of Trivy's and {share(t['syft_hit'], t['syft'] - bare['syft'])} of Syft's.")
    classes = collections.Counter((p, m[2] or '**not explained**') for r in details for p in ('trivy', 'syft') for m in r[p + '_missing'])
    lines += [f'| {n} | {p} | {reason} |' for (p, reason), n in sorted(classes.items(), key=lambda c: (-c[1], c[0]))]
    open(arg.markdown, 'w').write('\n'.join(lines) + '\n')
if arg.out: json.dump({'total': total, 'items': details}, open(arg.out, 'w'), indent=1)
