#!/usr/bin/env python3
"""Hand-made files for the hold-out: locks, manifests and installed metadata of every ecosystem, odd lines included.

usage: holdout_files.py DIR. Makes one folder with a `root/` for each item below DIR; items that begin with `fs-` are scanned
as source directories. Items of several ecosystems are apart, because a peer that breaks down on one would hide the others."""
import json, os, sys, textwrap
H = sys.argv[1]
def w(item,path,text,mode=0o644):
    f=f'{H}/{item}/root/{path}'; os.makedirs(os.path.dirname(f),exist_ok=True)
    open(f,'wb').write(text if isinstance(text,bytes) else textwrap.dedent(text).lstrip('\n').encode()); os.chmod(f,mode)
# Python
w('fs-py','req/requirements.txt','''
    # comment
    Flask==1.0.2
    requests[security,socks] == 2.25.1 ; python_version >= "3.6"   # via x
    Django==3.2.1 \\
        --hash=sha256:abc \\
        --hash=sha256:def
    numpy>=1.19
    scipy~=1.5.0
    pandas===1.2.0
    -r dev-requirements.txt
    -e git+https://github.com/a/b.git@v1.0#egg=bproj
    git+https://github.com/a/c.git@1.2.3#egg=cproj
    https://example.com/d-1.0-py3-none-any.whl
    ./local/pkg
    my_package==1.0.0+local.1
    Foo.Bar==2.0.*
    spaced  ==  3.0
    urllib3<2,==1.26.5
    e @ https://example.com/e-2.0.tar.gz
    pywin32==300; sys_platform == 'win32'
    --index-url https://x
    wildcard==1.*
    notequal!=3
    click==8.1.0,>=7
    ''')
w('fs-py','req/dev-requirements.txt','pytest==6.2.4\nblack==21.5b1\n')
w('fs-py','req/requirements-test.txt','tox==3.23.0\n'); w('fs-py','req/requirements/base.txt','jinja2==3.0.1\n'); w('fs-py','req/constraints.txt','six==1.16.0\n'); w('fs-py','req/requirements.in','attrs==20.1\n'); w('fs-py','a/test-requirements.txt','mock==4.0.3\n')
w('fs-py','utf16/requirements.txt','six==1.15.0\n'.encode('utf-16'))
w('fs-py','setup/setup.py','''
    from setuptools import setup
    setup(name='thing', version='1.0', install_requires=['mypy==v0.770', 'mypy1==v0.770', "mypy2 == v0.770", 'requests>=2', 'six==1.15.0;python_version<"3"'],
      extras_require={'test': ["pytest==6.0"]})
    ''')
w('fs-py','setup/setup.cfg','[metadata]\nname=thing\nversion=1.0\n[options]\ninstall_requires=\n  attrs==20.3.0\n')
w('fs-py','pyproj/pyproject.toml','[project]\nname="p"\nversion="1.0"\ndependencies=["flask==2.0.0","requests>=2"]\n[tool.poetry]\nname="p"\n')
w('fs-py','pipenv/Pipfile.lock',json.dumps({"_meta":{"sources":[]},"default":{"requests":{"version":"==2.22.0","hashes":["sha256:1"],"index":"pypi"},"git-dep":{"git":"https://x","ref":"abc"},"editable":{"path":".","editable":True},"certifi":{"version":"==2019.6.16","markers":"x"}},"develop":{"pytest":{"version":"==5.0.1"}}}))
w('fs-py','poetry1/poetry.lock','''
    [[package]]
    name = "Flask"
    version = "1.0.3"
    description = "x"
    category = "main"
    optional = false
    python-versions = "*"
    [package.dependencies]
    click = ">=5.1"

    [[package]]
    name = "pytest"
    version = "5.4"
    description = "x"
    category = "dev"
    optional = false
    python-versions = "*"

    [[package]]
    name = "gitone"
    version = "0.1.0"
    description = ""
    category = "main"
    optional = false
    python-versions = "*"
    develop = false
    [package.source]
    type = "git"
    url = "https://x"
    reference = "main"
    resolved_reference = "abc"

    [metadata]
    lock-version = "1.1"
    content-hash = "x"
    [metadata.files]
    ''')
w('fs-py','poetry1/pyproject.toml','[tool.poetry]\nname="x"\nversion="1"\n[tool.poetry.dependencies]\nflask="^1.0"\n[tool.poetry.dev-dependencies]\npytest="*"\n')
w('fs-py','uv/uv.lock','''
    version = 1
    requires-python = ">=3.11"

    [[package]]
    name = "myapp"
    version = "0.1.0"
    source = { virtual = "." }
    dependencies = [ { name = "httpx" } ]
    [package.dev-dependencies]
    dev = [ { name = "ruff" } ]

    [[package]]
    name = "httpx"
    version = "0.27.0"
    source = { registry = "https://index.example/simple" }

    [[package]]
    name = "ruff"
    version = "0.4.0"
    source = { registry = "https://index.example/simple" }

    [[package]]
    name = "fromgit"
    version = "1.0.0"
    source = { git = "https://x?rev=abc#abc" }
    ''')
w('fs-py','pdm/pdm.lock','[metadata]\ngroups=["default"]\nlock_version="4.4"\n\n[[package]]\nname = "flask"\nversion = "2.3.2"\ngroups=["default"]\n\n[[package]]\nname="pytest-cov"\nversion="4.0"\ngroups=["test"]\n')
w('fs-py','pylock/pylock.toml','lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "attrs"\nversion = "25.1.0"\n[[packages]]\nname = "cattrs"\nversion = "24.1.2"\n[[packages]]\nname="nov"\n'); w('fs-py','pylock2/pylock.dev.toml','lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "numpy"\nversion = "2.1.0"\n')
w('fs-py','conda/environment.yml','name: e\nchannels: [x]\ndependencies:\n  - python=3.9.1\n  - numpy=1.19.2=py39h\n  - openssl\n  - conda-forge::pandas==1.2.0\n  - pip:\n    - flask==1.1.2\n'); w('fs-py','conda2/environment.yaml','name: e\nprefix: /opt\ndependencies:\n- asgiref=3.8.1=pyhd8ed1ab_0\n- scipy>=1\n')
w('py-conda','opt/conda/conda-meta/numpy-1.21.0-py39h.json',json.dumps({"name":"numpy","version":"1.21.0","build":"py39h","channel":"x","license":"BSD-3-Clause","files":["lib/python3.9/site-packages/numpy-1.21.0.dist-info/METADATA"]}))
w('py-conda','opt/conda/conda-meta/openssl-1.1.1k-h.json',json.dumps({"name":"openssl","version":"1.1.1k","build":"h","license":"OpenSSL"})); w('py-conda','opt/conda/conda-meta/history','==> x\n'); w('py-conda','opt/conda/envs/foo/conda-meta/zlib-1.2.11-0.json',json.dumps({"name":"zlib","version":"1.2.11"}))
w('py-conda','opt/conda/lib/python3.9/site-packages/numpy-1.21.0.dist-info/METADATA','Metadata-Version: 2.1\nName: numpy\nVersion: 1.21.0\n'); w('py-conda','opt/conda/lib/python3.9/site-packages/numpy-1.21.0.dist-info/RECORD','')
# Ruby
w('fs-ruby','Gemfile.lock','''
    GIT
      remote: https://github.com/a/b.git
      revision: abc
      specs:
        gitgem (1.0.0)
          rack

    PATH
      remote: .
      specs:
        mygem (0.1.0)
          rails (>= 5)

    GEM
      remote: https://gems.example/
      specs:
        rails (5.0.0)
          rake (>= 0.8.7)
        nokogiri (1.13.9-x86_64-linux)
        nokogiri (1.13.9)
        pre (1.0.0.rc1)
        rake (13.0.6)
        google-protobuf (3.21.9-x86_64-darwin)

    PLATFORMS
      ruby

    DEPENDENCIES
      rails (= 5.0.0)
      rake!

    RUBY VERSION
       ruby 2.7.5p203

    BUNDLED WITH
       2.2.3
    '''.replace('    \n','\n'))
w('fs-ruby','lib/mygem.gemspec','Gem::Specification.new do |s|\n  s.name = "mygem"\n  s.version = "0.1.0"\n  s.license = "MIT"\nend\n'); w('fs-ruby','dyn.gemspec','Gem::Specification.new do |s|\n  s.name = "dyn"\n  s.version = Dyn::VERSION\nend\n')
w('ruby-installed','usr/local/bundle/specifications/rack-2.2.3.gemspec','# -*- encoding: utf-8 -*-\n# stub: rack 2.2.3 ruby lib\n\nGem::Specification.new do |s|\n  s.name = "rack".freeze\n  s.version = "2.2.3"\n  s.licenses = ["MIT".freeze, "Ruby"]\n  s.authors = ["A".freeze]\nend\n')
w('ruby-installed','usr/lib/ruby/gems/3.0.0/specifications/default/json-2.5.1.gemspec','Gem::Specification.new do |s|\n  s.name = "json".freeze\n  s.version = "2.5.1".freeze\n  s.license = "Ruby"\nend\n'); w('ruby-installed','usr/local/bundle/gems/rack-2.2.3/rack.gemspec','Gem::Specification.new do |s|\n  s.name = "rack"\n  s.version = "2.2.3"\nend\n'); w('ruby-installed','usr/local/bundle/specifications/nokogiri-1.13.9-x86_64-linux.gemspec','Gem::Specification.new do |s|\n  s.name = "nokogiri".freeze\n  s.version = "1.13.9"\n  s.platform = "x86_64-linux".freeze\nend\n'); w('ruby-installed','usr/local/bundle/specifications/pre-1.0.0.rc1.gemspec','Gem::Specification.new do |s|\n s.name = %q{pre}\n s.version = "1.0.0.rc1"\nend\n')
# PHP
pk=lambda n,v,**k: dict(name=n,version=v,type='library',license=['MIT'],**k)
w('fs-php','composer.lock',json.dumps({"packages":[pk('guzzlehttp/guzzle','7.4.4'),pk('symfony/console','v5.4.1'),pk('a/dev','dev-master',source={'reference':'abc'})],"packages-dev":[pk('phpunit/phpunit','9.5.0')]})); w('fs-php','composer.json','{"name":"x/y","require":{"guzzlehttp/guzzle":"^7"}}')
w('php-installed','app/vendor/composer/installed.json',json.dumps({"packages":[pk('monolog/monolog','2.3.5',version_normalized='2.3.5.0'),pk('psr/log','1.1.4')],"dev":True,"dev-package-names":["psr/log"]})); w('php-installed','app2/vendor/composer/installed.json',json.dumps([pk('old/form','1.0.0')])); w('php-installed','app/vendor/composer/installed.php','<?php return array();')
w('php-installed','usr/local/lib/php/.registry/.channel.pecl.php.net/redis.reg','a:2:{s:4:"name";s:5:"redis";s:7:"version";a:1:{s:7:"release";s:5:"5.3.7";}}'); w('php-installed','usr/share/php/.registry/archive_tar.reg','a:21:{s:7:"attribs";a:0:{}s:4:"name";s:11:"Archive_Tar";s:7:"channel";s:12:"pear.php.net";s:7:"version";a:2:{s:7:"release";s:6:"1.4.14";s:3:"api";s:5:"1.4.0";}}')
w('php-wp','var/www/html/wp-content/plugins/akismet/akismet.php','<?php\n/**\n * @package Akismet\n */\n/*\nPlugin Name: Akismet Anti-spam\nPlugin URI: https://akismet.com/\nVersion: 5.3\nAuthor: Automattic\nLicense: GPLv2\n*/\n'); w('php-wp','var/www/html/wp-content/plugins/hello.php','<?php\n/*\nPlugin Name: Hello Dolly\nVersion: 1.7.2\n*/\n'); w('php-wp','var/www/html/wp-includes/version.php',"<?php\n$wp_version = '6.4.2';\n"); w('php-wp','var/www/html/wp-content/themes/tt/style.css','/*\nTheme Name: Twenty\nVersion: 1.3\n*/\n')
# Rust
w('fs-rust','Cargo.lock','# x\nversion = 3\n\n[[package]]\nname = "app"\nversion = "0.1.0"\ndependencies = [\n "serde",\n "rand 0.8.5",\n]\n\n[[package]]\nname = "serde"\nversion = "1.0.130"\nsource = "registry+https://index.example/crates"\nchecksum = "abc"\n\n[[package]]\nname = "rand"\nversion = "0.8.5"\nsource = "registry+https://x"\n\n[[package]]\nname="rand"\nversion="0.7.3"\nsource="git+https://x?rev=1#2"\n'); w('fs-rust','Cargo.toml','[package]\nname="app"\nversion="0.1.0"\n[dependencies]\nserde="1"\n'); w('fs-rust','v4/Cargo.lock','version = 4\n\n[[package]]\nname = "b"\nversion = "2.0.0"\n')
# .NET
w('fs-dotnet','packages.lock.json',json.dumps({"version":1,"dependencies":{"net6.0":{"Newtonsoft.Json":{"type":"Direct","requested":"[12.0.3, )","resolved":"12.0.3","contentHash":"x"},"NuGet.Frameworks":{"type":"Transitive","resolved":"5.7.0"},"proj":{"type":"Project"}},"net5.0/linux":{"A.B":{"type":"CentralTransitive","resolved":"1.0.0"}}}})); w('fs-dotnet','old/packages.config','<?xml version="1.0"?>\n<packages>\n<package id="Newtonsoft.Json" version="6.0.4" targetFramework="net45" />\n<package id="Dev" version="1.0" developmentDependency="true"/></packages>\n'); w('fs-dotnet','Directory.Packages.props','<Project><ItemGroup><PackageVersion Include="Serilog" Version="2.10.0"/><PackageVersion Include="Var" Version="$(V)"/></ItemGroup></Project>\n')
w('fs-dotnet','app.csproj','<Project Sdk="Microsoft.NET.Sdk"><ItemGroup><PackageReference Include="Dapper" Version="2.0.90"/></ItemGroup></Project>\n')
deps={"runtimeTarget":{"name":".NETCoreApp,Version=v6.0"},"targets":{".NETCoreApp,Version=v6.0":{"MyApp/1.0.0":{"dependencies":{"Serilog":"2.10.0"},"runtime":{"MyApp.dll":{}}},"Serilog/2.10.0":{"runtime":{"lib/net5.0/Serilog.dll":{"assemblyVersion":"2.0.0.0","fileVersion":"2.10.0.0"}}},"Only.Compile/1.0.0":{"compile":{"x":{}}},"runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/6.0.8":{"runtime":{"System.dll":{}}}}},"libraries":{"MyApp/1.0.0":{"type":"project","serviceable":False,"sha512":""},"Serilog/2.10.0":{"type":"package","serviceable":True,"sha512":"x","path":"serilog/2.10.0"},"Only.Compile/1.0.0":{"type":"package"},"runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/6.0.8":{"type":"runtimepack"}}}
w('dotnet-deps','app/MyApp.deps.json',json.dumps(deps)); w('dotnet-deps','usr/share/dotnet/shared/Microsoft.NETCore.App/6.0.8/Microsoft.NETCore.App.deps.json',json.dumps({"runtimeTarget":{"name":".NETCoreApp,Version=v6.0/linux-x64"},"targets":{".NETCoreApp,Version=v6.0/linux-x64":{"Microsoft.NETCore.App.Runtime.linux-x64/6.0.8":{"runtime":{"System.dll":{"fileVersion":"6.0.822"}}}}},"libraries":{"Microsoft.NETCore.App.Runtime.linux-x64/6.0.8":{"type":"package","sha512":""}}}))
# Elixir, Erlang, Dart, Swift, Pods, Conan, R, Julia, Lua, Haskell
w('fs-misc-beam','mix.lock','%{\n  "castore": {:hex, :castore, "0.1.17", "ba6727", [:mix], [], "hexpm", "d9844"},\n  "phoenix": {:hex, :phoenix, "1.6.2", "a", [:mix], [{:plug, "~> 1.10", [hex: :plug, repo: "hexpm", optional: false]}], "hexpm", "b"},\n  "gitdep": {:git, "https://github.com/a/b.git", "abc", [tag: "1.0"]},\n  "alias": {:hex, :real_name, "2.0.0", "x", [:rebar3], [], "hexpm", "y"},\n}\n')
w('fs-misc-beam','rebar.lock','{"1.2.0",\n[{<<"certifi">>,{pkg,<<"certifi">>,<<"2.9.0">>},0},\n {<<"idna">>,{pkg,<<"idna">>,<<"6.1.1">>},1},\n {<<"gitone">>,{git,"https://x",{ref,"abc"}},0}]}.\n[\n{pkg_hash,[\n {<<"certifi">>, <<"6F2">>},\n {<<"idna">>, <<"8A6">>}]},\n{pkg_hash_ext,[\n {<<"certifi">>, <<"266">>}]}\n].\n')
w('fs-misc-dart','pubspec.lock','packages:\n  crypto:\n    dependency: transitive\n    description:\n      name: crypto\n      sha256: "x"\n      url: "https://pub.example"\n    source: hosted\n    version: "3.0.2"\n  flutter_test:\n    dependency: "direct dev"\n    description: flutter\n    source: sdk\n    version: "0.0.0"\n  own:\n    dependency: "direct main"\n    description:\n      path: "."\n      ref: main\n      url: "git@x"\n    source: git\n    version: "1.2.3"\nsdks:\n  dart: ">=2.18.0 <3.0.0"\n')
w('fs-misc-swift','Package.resolved',json.dumps({"pins":[{"identity":"swift-nio","kind":"remoteSourceControl","location":"https://github.com/apple/swift-nio.git","state":{"revision":"a","version":"2.41.0"}},{"identity":"branch","location":"https://github.com/a/branch","state":{"branch":"main","revision":"b"}}],"version":2})); w('fs-misc-swift1','Package.resolved',json.dumps({"object":{"pins":[{"package":"Alamofire","repositoryURL":"https://github.com/Alamofire/Alamofire","state":{"branch":None,"revision":"a","version":"5.4.3"}}]},"version":1})); w('fs-misc-swift','.package.resolved',json.dumps({"pins":[],"version":2}))
w('fs-misc-ios','Podfile.lock','PODS:\n  - AFNetworking (4.0.1):\n    - AFNetworking/NSURLSession (= 4.0.1)\n  - AFNetworking/NSURLSession (4.0.1)\n  - "GoogleUtilities/NSData+zlib (7.7.0)"\n  - SDWebImage (5.12)\n\nDEPENDENCIES:\n  - AFNetworking\n\nSPEC CHECKSUMS:\n  AFNetworking: abc\n  GoogleUtilities: def\n  SDWebImage: ghi\n\nCOCOAPODS: 1.11.2\n')
w('fs-misc-conan1','conan.lock',json.dumps({"graph_lock":{"nodes":{"0":{"ref":"pkga/0.1@user/testing","requires":["1","2"]},"1":{"ref":"zlib/1.2.12","package_id":"x"},"2":{"ref":"openssl/3.0.3#rev","options":"x"},"3":{"path":"conanfile.py"}},"revisions_enabled":False},"version":"0.4"})); w('fs-misc-conan2','conan.lock',json.dumps({"version":"0.5","requires":["zlib/1.2.13#13c96f538b52e1600c40b88994de240f%1692672717.68","sound32/1.0@user/ch#83d4b7bf607b3b60a6546f8b58b5cdd7%1675278904.0791488"],"build_requires":["cmake/3.25.1#x"],"python_requires":["pyreq/1.0"]})); w('fs-misc-conanfile','conanfile.txt','[requires]\nboost/1.79.0\nzlib/[>1.2]\n# x\nfmt/9.0.0@a/b#rev\n[build_requires]\ncmake/3.20\n[generators]\ncmake\n')
w('r-lib','usr/lib/R/site-library/jsonlite/DESCRIPTION','Package: jsonlite\nVersion: 1.8.7\nLicense: MIT + file LICENSE\nTitle: A\nBuilt: R 4.2.2\n'); w('r-lib','usr/lib/R/library/base/DESCRIPTION','Package: base\nVersion: 4.2.2\nPriority: base\nLicense: Part of R 4.2.2\nBuilt: R 4.2.2\n'); w('fs-misc-renv','renv.lock',json.dumps({"R":{"Version":"4.1"},"Packages":{"markdown":{"Package":"markdown","Version":"1.0"}}})); w('fs-misc-rpkg','DESCRIPTION','Package: mypkg\nVersion: 0.1.0\nTitle: x\n')
w('fs-misc-julia','Manifest.toml','julia_version = "1.9.0"\nmanifest_format = "2.0"\n\n[[deps.A]]\nuuid = "ead4f63c-334e-11e9-00e6-e7f0a5f21b60"\nversion = "1.9.0"\n\n[[deps.Base64]]\nuuid = "2a0f44e3-6c83-55bd-87e4-b1978d98bd5f"\n'); w('fs-misc-julia','Project.toml','[deps]\nA="ead4f63c-334e-11e9-00e6-e7f0a5f21b60"\n')
w('fs-misc-lua','kong-3.7.0-0.rockspec','package = "kong"\nversion = "3.7.0-0"\nsource = {\n  url = "x",\n}\ndescription = {\n  summary = "x",\n  license = "Apache 2.0"\n}\ndependencies = {\n  "inspect == 3.1.3",\n}\n')
w('fs-misc-hs','stack.yaml.lock','packages:\n- completed:\n    hackage: aeson-2.0.3.0@sha256:abc,6000\n    pantry-tree:\n      size: 1\n      sha256: x\n  original:\n    hackage: aeson-2.0.3.0@sha256:abc\nsnapshots:\n- completed:\n    size: 1\n'); w('fs-misc-hs','cabal.project.freeze','active-repositories: hackage.haskell.org:merge\nconstraints: any.Cabal ==3.2.1.0,\n             Cabal +bundled-binary-generic,\n             any.HUnit ==1.6.2.0\nindex-state: x\n'); w('fs-misc-hs','stack.yaml','resolver: lts-18.28\nextra-deps:\n- ShellCheck-0.8.0@sha256:353c9322847b661e4c6f7c83c2acf8e5c08b682fbe516c7d46c29605937543df,3297\n- HTTP-4000.3.16@sha256:x\n')
w('fs-misc-tf','.terraform.lock.hcl','# This file\nprovider "registry.example/hashicorp/aws" {\n  version     = "4.67.0"\n  constraints = "~> 4.0"\n  hashes = [\n    "h1:abc=",\n  ]\n}\n\nprovider "registry.example/hashicorp/random" {\n  version = "3.5.1"\n}\n')
w('fs-misc-opam','ocaml.opam','opam-version: "2.0"\nname: "mylib"\nversion: "1.2.0"\nlicense: "MIT"\ndepends: ["dune" {>= "2.0"}]\n'); w('fs-misc-opam','alcotest.1.8.0.opam','opam-version: "2.0"\nlicense: "ISC"\n'); w('opam','home/opam/.opam/default/.opam-switch/packages/alcotest.1.8.0/opam','opam-version: "2.0"\nname: "alcotest"\nversion: "1.8.0"\nlicense: "ISC"\n')
w('fs-misc-gradle','gradle.lockfile','# This is a Gradle generated file\ncom.google.guava:guava:31.1-jre=compileClasspath,runtimeClasspath\njunit:junit:4.13=testCompileClasspath\nempty=annotationProcessor\n'); w('fs-misc-gradle','buildscript-gradle.lockfile','com.android:tools:1.0=classpath\nempty=\n'); w('fs-misc-sbt','build.sbt.lock',json.dumps({"lockVersion":1,"dependencies":[{"org":"org.apache.commons","name":"commons-lang3","version":"3.9","artifacts":[],"configurations":["compile"]}]}))
w('fs-misc-actions','.github/workflows/ci.yml','name: ci\non: push\njobs:\n  a:\n    runs-on: x\n    steps:\n    - uses: actions/checkout@v4\n    - uses: docker://alpine:3.8\n  b:\n    uses: org/repo/.github/workflows/x.yml@main\n')
w('bitnami','opt/bitnami/redis/.spdx-redis.spdx',json.dumps({"SPDXID":"SPDXRef-DOCUMENT","spdxVersion":"SPDX-2.3","name":"SPDX document for Redis 7.2.4","packages":[{"SPDXID":"SPDXRef-Package-redis","name":"redis","versionInfo":"7.2.4-2","licenseConcluded":"BSD-3-Clause","externalRefs":[{"referenceCategory":"PACKAGE-MANAGER","referenceType":"purl","referenceLocator":"pkg:bitnami/redis@7.2.4-2?arch=amd64&distro=debian-12"},{"referenceCategory":"SECURITY","referenceType":"cpe23Type","referenceLocator":"cpe:2.3:*:redis:redis:7.2.4:*:*:*:*:*:*:*"}]}],"relationships":[]})); w('bitnami','etc/os-release','ID=debian\nVERSION_ID="12"\n')
w('snap','snap/core/current/meta/snap.yaml','name: core20\nversion: "20240111"\nsummary: x\n'); w('nix','nix/store/h93w70hql3y6h6yzj0q8s5r1rm5vbl2p-hello-2.12.1/bin/hello','x',0o755); w('nix','nix/store/0c5ri9f8b7n8rnn2j4ynz9rsncvxhpxp-openssl-3.0.12-bin/bin/openssl','x'); w('nix','nix/store/1b9p07z77phvv2hf6gm9f28syp39f1ag-glibc-2.38-44/lib/x','x'); w('nix','nix/store/kr8ffp9v8bl8j0xzvk7q1k8dqgrjpmp5-python3.11-requests-2.31.0/x','x'); w('brew','home/linuxbrew/.linuxbrew/Cellar/jq/1.7.1/INSTALL_RECEIPT.json','{"homebrew_version":"4.2","source":{"tap":"homebrew/core","versions":{"stable":"1.7.1"}}}'); w('brew','home/linuxbrew/.linuxbrew/Cellar/jq/1.7.1/.brew/jq.rb','class Jq < Formula\n  desc "x"\n  homepage "x"\n  url "https://x/jq-1.7.1.tar.gz"\n  license "MIT"\nend\n')
