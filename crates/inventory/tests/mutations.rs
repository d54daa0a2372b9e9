//! Every analyzer under damage: a good file of each kind, cut off and with bytes changed, and files that were made to hurt. No
//! analyzer may break down, take long or keep silent about a file that it did not read; a broken-down analyzer shows as a gap of
//! its own kind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    io::Write,
    time::{Duration, Instant},
};

use layergate_inventory::{Catalogue, inventory_layer};
use layergate_model::{Digest, GapKind, LayerInventory, Limits};

/// A file of each kind.
const SEEDS: &[(&str, &str)] = &[
    ("app/.env", "URL=postgres://app:tr0ub4dor@db/x\nHOME=https://ci:tr0ub4dor@git.internal/x\n"),
    ("root/.netrc", "machine a\nlogin b\npassword tr0ub4dor\n"),
    ("root/.pgpass", "db:5432:*:app:tr0ub4dor\n"),
    ("node_modules/a/package.json", r#"{"name":"a","version":"1.0.0","license":{"type":"MIT"},"licenses":["ISC"]}"#),
    ("package.json", r#"{"name":"app","version":"1.0.0","dependencies":{"a":"^1"},"devDependencies":{"b":"1"}}"#),
    (
        "package-lock.json",
        r#"{"lockfileVersion":3,"packages":{"":{"name":"x","version":"1"},"w":{"version":"2"},"node_modules/w":{"resolved":"w","link":true},"node_modules/@s/a":{"version":"1.0.0","dev":true,"license":"MIT","dependencies":{"b":"*"}},"node_modules/@s/a/node_modules/b":{"version":"1","integrity":"sha512-x"}},"dependencies":{"a":{"version":"1"}}}"#,
    ),
    (
        "v1/npm-shrinkwrap.json",
        r#"{"dependencies":{"a":{"version":"npm:b@1.0.0","requires":{"c":"*"},"dependencies":{"c":{"version":"2.0.0","dev":true}}}}}"#,
    ),
    (
        "yarn.lock",
        "# yarn lockfile v1\n\n\"@s/a@^1.0.0\", a@~1:\n  version \"1.0.1\"\n  integrity sha512-x\n  dependencies:\n    b \"^2.0.0\"\n\nb@^2.0.0, \"c@npm:b@^2\":\n  version \"2.1.0\"\n",
    ),
    (
        "berry/yarn.lock",
        "__metadata:\n  version: 6\n\n\"a@npm:^1.0.0, a@npm:~1\":\n  version: 1.0.1\n  resolution: \"a@npm:1.0.1\"\n  dependencies:\n    b: ^2.0.0\n\n\"w@workspace:.\":\n  version: 0.0.0-use.local\n  resolution: \"w@workspace:.\"\n",
    ),
    (
        "pnpm-lock.yaml",
        "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      a: {specifier: ^1, version: 1.0.0(c@3.0.0)}\npackages:\n  a@1.0.0:\n    resolution: {integrity: sha512-x}\n  '@s/b@https://x/y': {version: 2.0.0}\nsnapshots:\n  a@1.0.0(c@3.0.0):\n    dependencies:\n      b: x@2.0.0\n---\npackages: {}\n",
    ),
    (
        "v5/pnpm-lock.yaml",
        "lockfileVersion: 5.4\npackages:\n  /a/1.0.0_b@1:\n    dev: false\n    dependencies: {b: 1.0.0, '@s/c': /d/1.0.0}\n  x.com/@s/b/2.0.0: {dev: true}\n",
    ),
    (
        "bun.lock",
        "{\n // c\n \"workspaces\": {\"\": {\"dependencies\": {\"a\": \"1\",},},},\n \"packages\": {\"a\": [\"a@1.0.0\", \"\", {\"dependencies\": {\"b\": \"*\"}}, \"sha512-x\"], \"a/b\": [\"b@2.0.0\", {}],},\n}\n",
    ),
    ("requirements.txt", "a==1.0 \\\n  --hash=sha256:00\nb[x,y]==2.0 ; python_version < '3' # c\n-r other.txt\nc>=1\n"),
    ("setup.py", "setup(install_requires=['a==1.0', \"b[x] == v2 ; python_version<'3'\"], # 'c==1'\n)\n"),
    ("lib/ssl/ebin/ssl.app", "%% c\n{application,'ssl',[{description,\"a \\\"b\"},\n {vsn, \"10.8.7\"}]}.\n"),
    ("packages/alcotest.1.8.0/opam", "opam-version: \"2.0\"\nlicense: \"ISC\"\ndepends: [ \"dune\" {>= \"2\"} ]\n"),
    (
        "usr/lib/php/.registry/.channel.pecl.php.net/redis.reg",
        "a:3:{s:1:\"a\";a:1:{i:0;N;}s:4:\"name\";s:5:\"redis\";s:7:\"version\";a:1:{s:7:\"release\";s:5:\"5.3.7\";}}",
    ),
    ("conanfile.txt", "[requires]\na/1.0@u/c#r\nb/[>1]\n[tool_requires]\nc/2\n"),
    ("usr/lib/opkg/info/a.control", "Package: a\nVersion: 1-2\nDepends: libc, b (>= 1)\n"),
    (
        "Pipfile.lock",
        r#"{"_meta":{},"default":{"a":{"version":"==1.0","hashes":["sha256:0"]}},"develop":{"b":{"version":"==2"}}}"#,
    ),
    (
        "poetry.lock",
        "[[package]]\nname = \"a\"\nversion = \"1.0\"\ncategory = \"dev\"\nfiles = [{file = \"x\", hash = \"sha256:0\"}]\n[package.dependencies]\nb = {version = \"*\"}\n[metadata.files]\na = []\n",
    ),
    (
        "uv.lock",
        "version = 1\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\nsource = { virtual = \".\" }\ndependencies = [{ name = \"a\" }]\n[[package]]\nname = \"a\"\nversion = \"1\"\nwheels = [{ hash = \"sha256:0\" }]\n",
    ),
    ("pdm.lock", "[[package]]\nname = \"a\"\nversion = \"1\"\ngroups = [\"dev\"]\ndependencies = [\"b>=2\"]\n"),
    (
        "pylock.toml",
        "lock-version = \"1.0\"\n[[packages]]\nname = \"a\"\nversion = \"1\"\nwheels = [{hashes = {sha256 = \"0\"}}]\n",
    ),
    ("opt/conda-meta/a-1-0.json", r#"{"name":"a","version":"1","license":"MIT","depends":["b >=1"],"md5":"0"}"#),
    ("environment.yml", "dependencies:\n  - a=1.0=h0\n  - b 2.0 x\n  - pip:\n    - c==3\n"),
    (
        "a-1.dist-info/METADATA",
        "Name: a\nVersion: 1\nLicense: MIT\nClassifier: License :: OSI Approved :: MIT License\nRequires-Dist: b (>1); x\n\n",
    ),
    (
        "go.mod",
        "module m\n\ngo 1.16\n\nrequire (\n\ta.com/b v1.0.0 // indirect\n)\nreplace a.com/b v1.0.0 => ../b v2.0.0\nexclude x v1\n",
    ),
    ("go.sum", "a.com/b v1.0.0 h1:a=\na.com/c v1.0.0/go.mod h1:b=\n"),
    (
        "Cargo.lock",
        "version = 4\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nchecksum = \"0\"\ndependencies = [\"b 2.0.0 (x)\"]\n[metadata]\n\"checksum a 1.0.0 (x)\" = \"0\"\n",
    ),
    (
        "pom.xml",
        "<?xml version=\"1.0\"?><project xmlns=\"x\"><parent><groupId>g</groupId><artifactId>p</artifactId><version>1</version><relativePath>sub/pom.xml</relativePath></parent><artifactId>a</artifactId><properties><v>${w}${project.version}</v></properties><dependencies><dependency><groupId>g</groupId><artifactId>b</artifactId><version>${v}</version><scope>test</scope></dependency></dependencies></project>",
    ),
    (
        "sub/pom.xml",
        "<project><groupId>g</groupId><artifactId>p</artifactId><version>1</version><parent><groupId>g</groupId><artifactId>a</artifactId><version>1</version></parent><dependencyManagement><dependencies><dependency><groupId>m</groupId><artifactId>m</artifactId><version>[1]</version></dependency></dependencies></dependencyManagement></project>",
    ),
    ("gradle.lockfile", "a:b:1.0=compileClasspath,testRuntime\nempty=\n"),
    (
        "build.sbt.lock",
        r#"{"dependencies":[{"org":"a","name":"b","version":"1","configurations":["test"],"artifacts":[{"hash":"sha1:0"}]}]}"#,
    ),
    (
        "x/specifications/a-1.gemspec",
        "Gem::Specification.new do |s|\n  s.name = \"a\".freeze\n  s.version = %q<1>\n  s.licenses = ['MIT']\n  s.add_dependency(%q<b>.freeze, [\">= 1\"])\nend\n",
    ),
    ("Gemfile.lock", "GEM\n  specs:\n    a (1.0-java)\n      b (~> 2)\n\nDEPENDENCIES\n  a\n"),
    (
        "composer.lock",
        r#"{"packages":[{"name":"a/b","version":"v1","license":["MIT"],"require":{"c/d":"*"},"dist":{"shasum":"0"}}],"packages-dev":[]}"#,
    ),
    ("vendor/composer/installed.json", r#"[{"name":"a/b","version":"1"}]"#),
    (
        "app.deps.json",
        r#"{"runtimeTarget":{"name":"t"},"targets":{"t":{"A/1":{"runtime":{"a":{}},"dependencies":{"B":"2"}},"B/2":{}}},"libraries":{"A/1":{"sha512":"x"},"runtimepack.B/2":{}}}"#,
    ),
    (
        "packages.lock.json",
        r#"{"dependencies":{"net5":{"A":{"type":"Direct","resolved":"1","contentHash":"x","dependencies":{"B":"1"}}}}}"#,
    ),
    ("packages.config", "<packages><package id=\"A\" version=\"1.0\" developmentDependency=\"true\"/></packages>"),
    (
        "Directory.Packages.props",
        "<Project><ItemGroup><PackageVersion Include=\"A\" Version=\"[1.0]\"/><PackageVersion Include=\"B\"><Version>2</Version></PackageVersion></ItemGroup></Project>",
    ),
    ("mix.lock", "%{\n  \"a\": {:hex, :a, \"1.0\", \"00\", [:mix], [], \"hexpm\", \"11\"},\n}\n"),
    ("rebar.lock", "[{<<\"a\">>,{pkg,<<\"a\">>,<<\"1.0\">>},0}].\n"),
    (
        "pubspec.lock",
        "packages:\n  a:\n    dependency: \"direct dev\"\n    description: {sha256: \"0\"}\n    version: \"1.0.0\"\n",
    ),
    (
        "Package.resolved",
        r#"{"object":{"pins":[{"repositoryURL":"https://x/y.git","state":{"version":"1"}}]},"pins":[{"location":"git@x:y/z","state":{"branch":"main"}}]}"#,
    ),
    ("Podfile.lock", "PODS:\n  - A (1.0):\n    - B (= 1)\n  - \"C/D (2)\"\n\nDEPENDENCIES:\n  - A\n"),
    (
        "conan.lock",
        r#"{"graph_lock":{"nodes":{"1":{"ref":"a/1.0@u/c#0","context":"build"}}},"requires":["b/2#0%1",["c/3",{}]]}"#,
    ),
    ("lib/a/DESCRIPTION", "Package: a\nVersion: 1.0\nLicense: GPL-2\n"),
    ("Manifest.toml", "julia_version = \"1.9.0\"\n[[deps.A]]\nuuid = \"0\"\nversion = \"1\"\n[[B]]\nuuid = \"1\"\n"),
    ("a-1.0-1.rockspec", "package = \"a\"\nversion = '1.0-1'\ndescription = {\n  license = \"MIT\"\n}\n"),
    ("stack.yaml.lock", "packages:\n- completed:\n    hackage: a-1.0@sha256:0,1\n"),
    ("cabal.project.freeze", "constraints: any.a ==1.0,\n             b +x\n"),
    ("wp-includes/version.php", "<?php\n$wp_version = '6.4';\n"),
    ("wp-content/plugins/a/a.php", "<?php\n/*\n * Plugin Name: A\n * Version: 1.0\n */\n"),
    ("wp-content/themes/a/style.css", "/*\nTheme Name: A\nVersion: 1.0\n*/\n"),
];

fn seeds() -> Vec<(String, Vec<u8>)> {
    let mut out: Vec<(String, Vec<u8>)> =
        SEEDS.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect();
    let pom = "groupId=g\nartifactId=a\nversion=1\n";
    let inner = zip(&[("META-INF/maven/g/a/pom.properties", pom.as_bytes())]);
    let manifest = b"Implementation-Version: 2\nBundle-SymbolicName: g.x\n";
    let xml = b"<project><licenses><license><name>MIT</name></license></licenses></project>";
    out.push((
        "lib/x.jar".to_owned(),
        zip(&[
            ("META-INF/MANIFEST.MF", manifest),
            ("META-INF/maven/g/a/pom.properties", pom.as_bytes()),
            ("META-INF/maven/g/a/pom.xml", xml),
            ("BOOT-INF/lib/inner-1.jar", &inner),
        ]),
    ));
    out
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn layer<'f>(files: impl IntoIterator<Item = (&'f str, &'f [u8])>) -> LayerInventory {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, path, bytes).unwrap();
    }
    let blob = builder.into_inner().unwrap();
    inventory_layer(&blob[..], Digest::of(&blob), &Catalogue::standard(), &Limits::default()).unwrap()
}

/// Gaps of analyzers that broke down, and of the whole layer.
fn broken(inventory: &LayerInventory) -> Vec<String> {
    let all = inventory.gaps.iter().chain(inventory.sections.values().flat_map(|s| &s.gaps));
    all.filter(|g| g.kind == GapKind::AnalyzerFailed).map(|g| format!("{}: {}", g.place, g.detail)).collect()
}

/// A small generator whose numbers are the same in every run (Marsaglia's xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }
}

fn mutate(bytes: &[u8], numbers: &mut Numbers) -> Vec<u8> {
    const WORDS: &[&[u8]] = &[
        b"\"",
        b"{",
        b"[",
        b"}",
        b"]",
        b":",
        b"\n",
        b" ",
        b"\0",
        b"\xff\xfe",
        b"${",
        b"-",
        b"@",
        b"/",
        b"(",
        b"<",
        b"*",
        b"=",
        b"\xc3\xa4",
        b"\xf0\x9f\x8d\x92",
        b"99999999999999999999",
    ];
    let mut out = bytes.to_vec();
    for _ in 0..=numbers.below(3) {
        let at = numbers.below(out.len());
        match numbers.below(6) {
            0 => out.truncate(at),
            1 if !out.is_empty() => out[at] ^= 1 << numbers.below(8),
            2 if !out.is_empty() => out[at] = numbers.below(256) as u8,
            3 => {
                let word = WORDS[numbers.below(WORDS.len())];
                out.splice(at..at, word.iter().copied());
            }
            4 => {
                let end = at + numbers.below(out.len() - at);
                let piece = out[at..end].to_vec();
                out.splice(at..at, piece);
            }
            _ => {
                let end = at + numbers.below(out.len() - at);
                out.drain(at..end);
            }
        }
    }
    out
}

#[test]
fn every_seed_is_read() {
    for (path, bytes) in seeds() {
        // These say something only together with others, or nothing at all.
        if ["package.json", "go.sum", "sub/pom.xml"].contains(&path.as_str()) {
            continue;
        }
        let inventory = layer([(path.as_str(), bytes.as_slice())]);
        let found: usize = inventory.sections.values().map(|s| s.packages.len() + s.secrets.len()).sum();
        let gaps: Vec<_> = inventory.sections.values().flat_map(|s| &s.gaps).collect();
        assert!(found > 0 && gaps.is_empty(), "{path}: {found} found, {gaps:?}");
    }
}

#[test]
fn damaged_files() {
    let seeds = seeds();
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    for _ in 0..400 {
        let files: Vec<(String, Vec<u8>)> =
            seeds.iter().map(|(path, bytes)| (path.clone(), mutate(bytes, &mut numbers))).collect();
        let inventory = layer(files.iter().map(|(p, b)| (p.as_str(), b.as_slice())));
        let broken = broken(&inventory);
        assert!(broken.is_empty(), "{broken:?}");
    }
}

#[test]
fn files_cut_off_at_every_byte() {
    for (path, bytes) in seeds() {
        for end in 0..bytes.len() {
            let inventory = layer([(path.as_str(), &bytes[..end])]);
            assert!(broken(&inventory).is_empty(), "{path} cut off at {end}");
        }
    }
}

#[test]
fn files_made_to_hurt() {
    let long = vec![b'a'; 2 << 20];
    let lines = "a==1\n".repeat(400_000);
    let mut keys = String::from("{\"packages\":{");
    (0..200_000).for_each(|i| keys += &format!("\"k{i}\":[],"));
    let hostile: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("a byte order mark", b"\xef\xbb\xbf".to_vec()),
        ("no text", (0..=255).cycle().take(100_000).collect()),
        ("half a UTF-16 unit", b"\xff\xfea".to_vec()),
        ("one long line", long.clone()),
        ("zeros", vec![0; 1 << 20]),
        ("many lists", b"[".repeat(1 << 20)),
        ("many maps", b"{\"a\":".repeat(1 << 18)),
        ("many maps and lists", b"{\"packages\":[".repeat(1 << 18)),
        ("many maps without quotes", b"{a: ".repeat(1 << 18)),
        ("many indentations", (0..2000).map(|i| format!("{}a:\n", " ".repeat(i))).collect::<String>().into_bytes()),
        ("many elements", b"<project>".repeat(1 << 18)),
        ("many comments", b"/*".repeat(1 << 18)),
        ("many quotes", b"\"".repeat(1 << 20)),
        ("many dashes", b"- ".repeat(1 << 18)),
        ("many tables", b"[[a]]\n".repeat(1 << 17)),
        ("many dotted keys", format!("{} = 1", "a.".repeat(100_000) + "a").into_bytes()),
        ("many variables", b"${${".repeat(1 << 18)),
        ("many lines", lines.into_bytes()),
        ("many keys", keys.into_bytes()),
    ];
    let mut slow = Vec::new();
    for (what, bytes) in &hostile {
        for (path, _) in seeds() {
            let begin = Instant::now();
            let inventory = layer([(path.as_str(), bytes.as_slice())]);
            let broken = broken(&inventory);
            assert!(broken.is_empty(), "{path}, {what}: {broken:?}");
            // A debug build on a busy machine; quadratic work takes minutes.
            if begin.elapsed() > Duration::from_secs(1) {
                println!("{path}, {what}: {:?}", begin.elapsed());
            }
            if begin.elapsed() > Duration::from_secs(20) {
                slow.push(format!("{path}, {what}: {:?}", begin.elapsed()));
            }
        }
    }
    assert!(slow.is_empty(), "{slow:?}");
}

#[test]
fn a_lock_over_its_limit_is_a_gap() {
    let mut large = vec![b' '; 65 << 20];
    large[..2].copy_from_slice(b"{}");
    for path in ["package-lock.json", "Cargo.lock", "pnpm-lock.yaml", "yarn.lock", "go.mod"] {
        let inventory = layer([(path, large.as_slice())]);
        let gaps: Vec<_> = inventory.sections.values().flat_map(|s| &s.gaps).map(|g| g.kind).collect();
        assert_eq!(gaps, [GapKind::FileLimit], "{path}");
    }
}
