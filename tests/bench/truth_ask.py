#!/usr/bin/env python3
"""Asks a package manager what is installed or locked somewhere: `TYPE NAME VERSION`, tab-separated, one line a package.

usage: truth_ask.py MANAGER PLACE...      MANAGER is a function below; what it runs stands in it

A line that begins with `?` names a package that is there and is nobody's dependency (the project itself): listing it is
neither right nor wrong. No answer of a scanner is used here.
"""
import io, json, os, re, subprocess, sys, zipfile

def run(*command, cwd=None, env=None, fails=False):
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=os.environ | (env or {}))
    if done.returncode and not fails: sys.exit(f'{" ".join(command)}: {done.stderr[-500:]}')
    return done.stdout

def say(kind, name, version, sign=''): print(f'{sign}{kind}\t{name}\t{version}')

def dpkg(root):
    for line in run('dpkg-query', '--admindir', f'{root}/var/lib/dpkg', '-W', '-f', '${db:Status-Status}\t${Package}\t${Version}\n').splitlines():
        state, name, version = line.split('\t')
        if state not in ('config-files', 'not-installed'): say('deb', name, version)

def rpm(root, *options):
    out = run('rpm', '--root', os.path.realpath(root), *options, '-qa', '--qf', '%{NAME}\t%{VERSION}-%{RELEASE}\n')
    for line in sorted(set(out.splitlines())):
        if not line.startswith('gpg-pubkey\t'): print(f'rpm\t{line}')

def apk(root):
    for line in run('chroot', root, '/sbin/apk', 'info', '-v').split():
        say('apk', *re.fullmatch(r'(.+)-([^-]+-r\d+)', line).groups())

def vendored(place):
    """Folders of packages that a package brought with it, each with its metadata: they are there, too."""
    return sorted({os.path.dirname(at) for at, folders, _ in os.walk(place) if at.endswith('.dist-info') and os.path.dirname(at).endswith('_vendor')})

def pip(*places):
    places = [*places, *(v for p in places for v in vendored(p))]
    for p in json.loads(run(sys.executable, '-m', 'pip', 'list', '--format', 'json', *(x for p in places for x in ('--path', p)))): say('pypi', p['name'], p['version'])

def exported(*files):
    """What a lock holds for all platforms, as the manager's own export says."""
    for file in files:
        for line in open(file):
            if found := re.match(r'([A-Za-z0-9._-]+)(?:\[.*?\])?==([^\s;]+)', line): say('pypi', *found.groups())

def venv(place):
    if found := vendored(place): pip(*found)
    for p in json.loads(run(f'{place}/bin/python', '-m', 'pip', 'list', '--format', 'json')): say('pypi', p['name'], p['version'])

def npm(place, *options):
    found = json.loads(run('npm', 'query', '*', *options, cwd=place, env={'npm_config_audit': 'false'}, fails=True))
    own = json.load(open(f'{place}/package.json')).get('name') if os.path.exists(f'{place}/package.json') else None
    for name, version, mine in sorted({(p.get('name') or p['location'].rsplit('node_modules/', 1)[-1], p.get('version') or '', not p['location']) for p in found if p.get('version') or p['location']}):
        say('npm', name, version, '?' if mine or name == own else '')

def npm_global(prefix):
    def walk(tree):
        for name, p in (tree.get('dependencies') or {}).items():
            if p.get('version') and not p.get('missing'): say('npm', name, p['version']); walk(p)
    walk(json.loads(run('npm', 'ls', '-g', '--all', '--json', '--prefix', prefix, fails=True)))

def yarn(tool, place):
    def walk(trees):
        for t in trees:
            if not t.get('shadow'): say('npm', *t['name'].rsplit('@', 1))
            walk(t.get('children') or [])
    for line in run('node', tool, 'list', '--json', '--no-progress', cwd=place).splitlines():
        answer = json.loads(line)
        if answer['type'] == 'tree': walk(answer['data']['trees'])

def berry(tool, place):
    for line in run('node', tool, 'info', '--all', '--recursive', '--virtuals', '--json', cwd=place).splitlines():
        p = json.loads(line)['value']; name, _, rest = p[1:].partition('@'); name = p[0] + name
        if 'workspace:' in rest: say('npm', name, json.loads(line)['children']['Version'], '?')
        else: say('npm', name, json.loads(line)['children']['Version'])

def pnpm(tool, place):
    def walk(tree):
        for kind in ('dependencies', 'devDependencies', 'optionalDependencies'):
            for name, p in (tree.get(kind) or {}).items(): say('npm', p.get('from') or name, p['version'].rsplit('@', 1)[-1]); walk(p)
    for project in json.loads(run('node', tool, 'ls', '--depth', 'Infinity', '--json', cwd=place)): walk(project)

def bun(tool, place):
    project = json.load(open(f'{place}/package.json'))
    alias = {n: v[4:].rsplit('@', 1)[0] for kind in project.values() if isinstance(kind, dict) for n, v in kind.items() if v.startswith('npm:')}
    for line in run(tool, 'pm', 'ls', '--all', cwd=place).splitlines()[1:]:
        if found := re.search(r'(@?[^\s@]+)@(\d\S*)$', line): say('npm', alias.get(found[1], found[1]), found[2])

def deno(tool, place, entry):
    for p in json.loads(run(tool, 'info', '--json', entry, cwd=place))['npmPackages'].values(): say('npm', p['name'], p['version'])

def golang(*programs):
    for program in programs:
        modules = []
        for line in run('go', 'version', '-m', program).splitlines():
            words = line.split('\t')
            if words[0]: say('golang', 'stdlib', re.search(r'go(\d\S*)$', line)[1])
            elif words[1] in ('mod', 'dep'): modules.append(words[2:4])
            elif words[1] == '=>': modules[-1] = words[2:4]
        for path, version in modules: say('golang', path, version, '?' if version == '(devel)' else '')

def gomod(place):
    mod = json.loads(run('go', 'mod', 'edit', '-json', cwd=place))
    replaced = {r['Old']['Path']: r['New'] for r in mod.get('Replace') or []}
    for r in mod.get('Require') or []:
        new = replaced.get(r['Path'], r)
        if new.get('Version'): say('golang', new['Path'], new['Version'])
    say('golang', mod['Module']['Path'], '', '?'); say('golang', 'stdlib', mod.get('Go', ''), '?')

def cargo(place):
    meta = json.loads(run('cargo', 'metadata', '--format-version', '1', '--locked', cwd=place))
    for p in meta['packages']: say('cargo', p['name'], p['version'], '' if p['source'] else '?')

def auditable(tool, program):
    for p in json.loads(run(tool, program))['packages']: say('cargo', p['name'], p['version'], '?' if p.get('root') or p.get('kind') == 'build' else '')

def mvn(place, *options):
    listing = os.path.join(os.path.realpath(place), 'dependencies.txt')
    run('mvn', '-q', '-B', 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:list', f'-DoutputFile={listing}', '-DincludeScope=runtime', *options, cwd=place)
    for line in open(listing):
        if found := re.match(r'\s+([^:\s]+):([^:]+):([^:]+):(?:([^:]+):)?([^:\s]+):(?:compile|runtime)', line): say('maven', f'{found[1]}:{found[2]}', found[5])
    os.remove(listing)

def bundled(*places):
    """Maven's own record of what was built into a JAR beside its own classes: there, and no dependency that Maven lists."""
    for place in places:
        for at, _, files in os.walk(place):
            for name in files:
                if name.endswith(('.jar', '.war')): inside(zipfile.ZipFile(f'{at}/{name}'))

def inside(archive):
    for entry in archive.namelist():
        if entry.endswith(('.jar', '.war')): inside(zipfile.ZipFile(io.BytesIO(archive.read(entry))))
        if entry.endswith('/pom.properties'):
            p = dict(line.split('=', 1) for line in archive.read(entry).decode(errors='replace').splitlines() if '=' in line)
            if len(p) >= 3: say('maven', f"{p['groupId'].strip()}:{p['artifactId'].strip()}", p['version'].strip(), '?')

def gem(place):
    for line in run('gem', 'list', '--local', env={'GEM_HOME': place, 'GEM_PATH': place, 'GEM_SPEC_CACHE': '/tmp/no-specs'}).splitlines():
        if found := re.fullmatch(r'(\S+) \((.+)\)', line):
            for version in found[2].split(', '):
                if not version.startswith('default: '): say('gem', found[1], version.split()[0])

def composer(place):
    for p in json.loads(run('composer', 'show', '--format', 'json', cwd=place))['installed']: say('composer', p['name'], p['version'])

def program(name, path, *options):
    """What a program says its own version is."""
    text = subprocess.run([path, *options], capture_output=True, text=True); text = text.stdout + text.stderr
    say('generic', name, re.search(r'\d+(?:\.\d+)+', text)[0])

def lines(text):
    """Packages given as `TYPE NAME VERSION` words: what the recipe itself asked its manager to install."""
    for line in text.splitlines():
        if line.strip(): print('\t'.join(line.split()))

if __name__ == '__main__': globals()[sys.argv[1]](*sys.argv[2:])
