#!/usr/bin/env python3
"""Hold what layergate, Trivy, Syft and Grype list against what the package managers themselves say.

usage: truth.py LAYERGATE DB DIR [--peers DIR] [--only REGEX] [--again] [--out FILE] [--markdown FILE] [--show N]

DIR holds one folder for each item (tests/bench/truth-items makes them): `root/` (every tool is given an image of it, in one
layer; a source directory, read as such, when the name begins with `fs-`), `image.tar` (a docker archive) or `sbom.*` (a document), and `truth.tsv`, the managers' answer.
Packages are compared as (ecosystem, whole name, version): a Maven package with its group, a Go module with its path, an npm
package with its scope, a distribution's without epoch. Each is counted once an item. A package without a version is left
out everywhere: nobody can judge it. An item that a tool cannot read counts as nothing found. The peers' answers are kept in
the item's `peers.json`; `--again` asks them anew. What `truth-explained.tsv` explains (item regex, `+` ours only or `-`
missing, regex of `type name version`, why) gets its reason in the page.
"""
import argparse, collections, json, os, re, shutil, subprocess, sys, tempfile, urllib.parse

here = os.path.dirname(os.path.abspath(__file__))
arg = argparse.ArgumentParser()
for name in ('layergate', 'db', 'dir'): arg.add_argument(name)
arg.add_argument('--peers', default='target/peers'); arg.add_argument('--only', default=''); arg.add_argument('--again', action='store_true')
arg.add_argument('--out', default=''); arg.add_argument('--markdown', default=''); arg.add_argument('--show', type=int, default=12)
arg = arg.parse_args()
peers = os.path.abspath(arg.peers)
TOOLS = ('layergate', 'trivy', 'syft', 'grype')

# Trivy would resolve a pom.xml from this machine's Maven repository, Syft look up licenses in its Go cache.
empty_home = tempfile.mkdtemp()
grype_env = {'GRYPE_DB_CACHE_DIR': f'{peers}/go/grype-db', 'GRYPE_DB_AUTO_UPDATE': 'false', 'GRYPE_DB_VALIDATE_AGE': 'false', 'GRYPE_DB_VALIDATE_BY_HASH_ON_START': 'false', 'GRYPE_CHECK_FOR_APP_UPDATE': 'false'}
def run(command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=1200, env=os.environ | {'HOME': empty_home, 'GOPATH': empty_home} | grype_env)
    return done.stdout, done.stderr, done.returncode

SAME = {'cpython': 'python', 'nodejs': 'node', 'redis-server': 'redis', 'php-cli': 'php', 'postgres': 'postgresql', 'httpd': 'apache', 'ruby-mri': 'ruby'}
KINDS = {'bitnami': 'generic', 'binary': 'generic', 'go-module': 'golang', 'gomod': 'golang'}
def key(kind, name, version):
    kind, name, version = KINDS.get(kind, kind), name.lower(), version or ''
    if kind == 'pypi': name = re.sub('[-_.]+', '-', name)
    if kind == 'generic': name = SAME.get(name, name)
    if kind == 'maven': name = name.replace('/', ':')
    if name == 'ruby': version = re.sub(r'p\d+$', '', version)
    if kind in ('deb', 'rpm', 'generic'): version = re.sub(r'^\d+:', '', version)
    if kind == 'golang': version = re.sub(r'^(v|go)(?=\d)', '', version)
    return kind, name, version
def of_purl(text, name='', version='', kind=''):
    """The key of a package URL; of what a tool gives beside it where it gives none."""
    if not text: return key(kind, name, version)
    head, _, _ = text.removeprefix('pkg:').partition('?')
    head = head.partition('#')[0]
    kind, _, rest = head.partition('/')
    path, at, version = rest.rpartition('@') if '@' in rest.lstrip('@') else (rest, '', version)
    parts = [urllib.parse.unquote(p) for p in path.split('/')]
    return key(kind, parts[-1] if kind in ('deb', 'rpm', 'apk', 'generic', 'bitnami', 'alpm') else '/'.join(parts), urllib.parse.unquote(version))

def trivy(item, kind, path):
    mode = {'image': ['image', '--input', path], 'fs': ['fs', '--include-dev-deps', path], 'sbom': ['sbom', path]}[kind]
    cache = tempfile.mkdtemp()
    shutil.copytree(f'{peers}/trivy-cache', cache, dirs_exist_ok=True)
    out, err, code = run([f'{peers}/trivy', mode[0], '--cache-dir', cache, '--skip-db-update', '--skip-java-db-update', '--offline-scan', '--skip-version-check',
                          '--scanners', 'vuln', '--list-all-pkgs', '--format', 'json', '--timeout', '30m', '--quiet', *mode[1:]])
    shutil.rmtree(cache, ignore_errors=True)
    if code: return {'error': err[-300:] or f'exit {code}', 'packages': []}
    return {'packages': [[(p.get('Identifier') or {}).get('PURL', ''), p['Name'], p.get('Version') or '', r.get('Type', ''), r.get('Target', '') + ' ' + p.get('FilePath', '')]
                         for r in json.loads(out).get('Results') or [] for p in r.get('Packages') or []]}

def source(kind, path): return {'image': 'docker-archive:', 'fs': 'dir:', 'sbom': 'sbom:'}[kind] + path
def syft(item, kind, path):
    out, err, code = run([f'{peers}/go/syft', *(['convert', path] if kind == 'sbom' else ['scan', source(kind, path)]), '-o', 'syft-json', '-q'])
    if code: return {'error': err[-300:] or f'exit {code}', 'packages': []}
    return {'packages': [[p.get('purl') or '', p['name'], p.get('version') or '', p.get('type', ''), ' '.join(l['path'] for l in (p.get('locations') or [])[:2])] for p in json.loads(out)['artifacts']]}

def grype(item, kind, path):
    out, err, code = run([f'{peers}/go/grype', source(kind, path), '-o', 'cyclonedx-json', '-q'])
    if code: return {'error': err[-300:] or f'exit {code}', 'packages': []}
    return {'packages': [[p.get('purl') or '', p['name'], p.get('version') or '', p.get('type', ''), next((q['value'] for q in p.get('properties') or [] if q['name'].startswith('syft:location')), '')]
                         for p in json.loads(out).get('components') or [] if p.get('type') not in ('file', 'operating-system')]}

def layergate(item, kind, path):
    tmp = tempfile.mkdtemp(); report = f'{tmp}/report.json'
    target = {'image': 'docker-archive:', 'sbom': 'sbom:'}.get(kind, 'dir:') + path
    _, err, code = run([arg.layergate, 'scan', '--offline', '--quiet', '--db', arg.db, '--cache-dir', f'{tmp}/cache', '-o', 'json=' + report, target])
    found = json.load(open(report)) if os.path.exists(report) else None
    shutil.rmtree(tmp, ignore_errors=True)
    if not found or not found.get('packages') and code not in (0, 1): return {'error': f'exit {code}: {err[-300:]}', 'packages': [], 'report': found}
    return {'packages': [[p['purl'], p['name'], p.get('version') or '', p['type'], ' '.join(p['locations'][:1])] for p in found['packages']], 'report': found}

explained = []
if os.path.exists(table := f'{here}/truth-explained.tsv'):
    explained = [l.rstrip('\n').split('\t') for l in open(table) if l.strip() and not l.startswith('#')]
def why(item, sign, text): return next((e[3] for e in explained if re.search(e[0], item) and e[1] == sign and re.fullmatch(e[2], text, re.I)), '')

# The keys that rpm keeps beside the packages are none.
def versioned(k): return k[1] != 'gpg-pubkey' and k[2] not in ('', 'unknown', '(devel)', 'unknown_version')
rows, total = [], {t: collections.Counter() for t in TOOLS}
for item in sorted(os.listdir(arg.dir)):
    at = f'{arg.dir}/{item}'
    if not os.path.exists(f'{at}/truth.tsv') or arg.only and not re.search(arg.only, item): continue
    document = next((f'{at}/{f}' for f in sorted(os.listdir(at)) if f.startswith('sbom.')), None)
    kind = 'sbom' if document else 'image' if os.path.exists(f'{at}/image.tar') else 'fs' if item.startswith('fs-') else 'rootfs'
    path = os.path.abspath(document or (f'{at}/image.tar' if kind == 'image' else f'{at}/root'))
    if kind == 'rootfs':
        path, kind = f'{empty_home}/image.tar', 'image'
        subprocess.run([sys.executable, f'{here}/truth_image.py', path, f'{at}/root'], check=True)
    truth, neutral = set(), set()
    for line in open(f'{at}/truth.tsv'):
        words = line.rstrip('\n').split('\t') + ['', '']
        k = key(words[0].lstrip('?'), words[1], words[2])
        (neutral if words[0].startswith('?') else truth).add(k)
    truth = {k for k in truth if versioned(k)}
    neutral -= truth
    # A program of an OS package, listed under its own name too, says nothing new and nothing wrong.
    system = [re.sub(r'^v', '', k[2]) for k in truth if k[0] in ('deb', 'rpm', 'apk')]
    said = lambda k: k[0] == 'generic' and any(v.startswith(k[2]) for v in system)
    own = {k[:2] for k in neutral} - {k[:2] for k in truth}
    kept = f'{at}/peers.json'
    if arg.again or not os.path.exists(kept): json.dump({t.__name__: t(item, kind, path) for t in (trivy, syft, grype)}, open(kept, 'w'))
    answers = {'layergate': layergate(item, kind, path)} | json.load(open(kept))
    row = {'item': item, 'kind': kind, 'truth': len(truth), 'managers': sorted({k[0] for k in truth}), 'how': open(f'{at}/how').read().strip() if os.path.exists(f'{at}/how') else ''}
    print(f'## {item} ({kind}, {len(truth)})')
    for tool in TOOLS:
        places = {}
        for p in answers[tool]['packages']:
            k = of_purl(*p[:4])
            if versioned(k) and k not in neutral and k[:2] not in own and not said(k): places.setdefault(k, p[4])
        hit, wrong, missing = set(places) & truth, sorted(set(places) - truth), sorted(truth - set(places))
        row[tool] = {'hit': len(hit), 'listed': len(places), 'failed': bool(answers[tool].get('error'))}
        for n, v in (('hit', len(hit)), ('listed', len(places)), ('truth', len(truth)), ('failed', row[tool]['failed'])): total[tool][n] += v
        if row[tool]['failed']: print(f'   {tool} failed: {answers[tool]["error"]}')
        print(f'   {tool}: {len(hit)}/{len(truth)} found, {len(wrong)} not there')
        if tool == 'layergate':
            row['missing'] = [[' '.join(k), why(item, '-', ' '.join(k))] for k in missing]
            row['wrong'] = [[' '.join(k), why(item, '+', ' '.join(k)), places[k]] for k in wrong]
            for text, reason in row['missing'][:arg.show]: print(f'     - {text}  {reason}')
            for text, reason, place in row['wrong'][:arg.show]: print(f'     + {text} [{place}]  {reason}')
        else: row[tool].update(missing=[' '.join(k) for k in missing], wrong=[f'{" ".join(k)} [{places[k]}]' for k in wrong])
    report = answers['layergate'].get('report') or {}
    row['verdict'] = report.get('verdict', 'error')
    row['gaps'] = sorted({(g['kind'], g['effect'], g['where'], g['detail'][:160]) for g in report.get('gaps') or []})
    row['reasons'] = report.get('reasons')
    for g in row['gaps']:
        if g[1] == 'error': print(f'     ~ error: {g[0]} {g[2]}: {g[3]}')
    sys.stdout.flush()
    rows.append(row)

def share(a, b): return f'{100 * a / b if b else 100:.1f}'
def table(rows):
    lines = ['| item | asked | there | ' + ' | '.join(f'{t} found | not there' for t in TOOLS) + ' |', '|---|---|---|' + '---|---|' * len(TOOLS)]
    for r in rows:
        cells = ' | '.join('cannot read it | ' if r[t]['failed'] and not r[t]['listed'] else f"{r[t]['hit']} | {r[t]['listed'] - r[t]['hit']}" for t in TOOLS)
        lines.append(f"| {r['item']} | {r['how']} | {r['truth']} | {cells} |")
    return lines
# Each item weighs the same in the mean: one image of a thousand packages does not hide ten small ones.
def mean(tool, of): return sum(r[tool]['hit'] / max(r[of], 1) if of == 'truth' else (r[tool]['hit'] / r[tool]['listed'] if r[tool]['listed'] else 1.0) for r in rows) / max(len(rows), 1) * 100
summary = ['| | ' + ' | '.join(TOOLS) + ' |', '|---|' + '---|' * len(TOOLS),
           '| recall, all packages | ' + ' | '.join(f"{share(total[t]['hit'], total[t]['truth'])} %" for t in TOOLS) + ' |',
           '| precision, all packages | ' + ' | '.join(f"{share(total[t]['hit'], total[t]['listed'])} %" for t in TOOLS) + ' |',
           '| recall, mean of the items | ' + ' | '.join(f"{mean(t, 'truth'):.1f} %" for t in TOOLS) + ' |',
           '| precision, mean of the items | ' + ' | '.join(f"{mean(t, 'listed'):.1f} %" for t in TOOLS) + ' |',
           '| packages missed | ' + ' | '.join(str(total[t]['truth'] - total[t]['hit']) for t in TOOLS) + ' |',
           '| packages listed that are not there | ' + ' | '.join(str(total[t]['listed'] - total[t]['hit']) for t in TOOLS) + ' |',
           '| items that it cannot read | ' + ' | '.join(str(total[t]['failed']) for t in TOOLS) + ' |']
print(f'{len(rows)} items', *summary, sep='\n')
if arg.markdown:
    lines = [open(f'{here}/truth-intro.md').read().rstrip(), '', f'## Together: {len(rows)} items, {total["trivy"]["truth"]} packages', '', *summary, '', '## Item by item', '', *table(rows), '']
    lines += ['## Every difference of ours', '', '| packages | item | which | why |', '|---|---|---|---|']
    for r in rows:
        groups = collections.defaultdict(list)
        for text, reason in r['missing']: groups['missing', reason or '**not explained**'].append(text)
        for text, reason, _ in r['wrong']: groups['not there', reason or '**not explained**'].append(text)
        for (sign, reason), texts in groups.items():
            lines.append(f"| {len(texts)} {sign} | {r['item']} | {', '.join(f'`{t}`' for t in texts[:3])}{' …' if len(texts) > 3 else ''} | {reason} |")
    ordinary = [r for r in rows if r['item'].startswith('img-')]
    bad = [r for r in ordinary if r['verdict'] == 'error']
    lines += ['', f'## The default policy on ordinary images: {len(ordinary)}, of which {len(bad)} end in `error`', '', '| image | verdict | gaps that decide it | gaps that warn |', '|---|---|---|---|']
    for r in ordinary:
        by = lambda effect: ', '.join(f'`{k}`' + (f' ×{n}' if n > 1 else '') for k, n in sorted(collections.Counter(g[0] for g in r['gaps'] if g[1] == effect).items()))
        lines.append(f"| {r['item']} | {r['verdict']} | {by('error')} | {by('warn')} |")
    others = [r for r in rows if r['verdict'] == 'error' and not r['item'].startswith('img-')]
    lines += ['', 'Of the other items, which are folders and documents and not whole images, these end in `error`: ' + ('; '.join(f"{r['item']} ({', '.join(sorted({g[0] for g in r['gaps'] if g[1] == 'error'})) or 'cannot be read'})" for r in others) or 'none') + '.']
    open(arg.markdown, 'w').write('\n'.join(lines) + '\n')
if arg.out: json.dump(rows, open(arg.out, 'w'), indent=1)
