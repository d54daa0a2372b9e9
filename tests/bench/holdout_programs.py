#!/usr/bin/env python3
"""Hand-made programs for the hold-out: under each name that the peers know a program by, the string that tells its version.

usage: holdout_programs.py DIR. Makes DIR/bin-made (with an ELF header in front) and DIR/bin-made-plain (without)."""
import os, sys
Z=b'\0'
elf=b'\x7fELF\x02\x01\x01'+Z*9+b'\x03\0>\0'+Z*44
rows=[
('node0/node', b'\0node v0.10.48\0'),('node4/node', b'\0v4.9.1\0'),('node22/node', b'node.js/v22.9.0'),('node/nodejs', b'node.js/v22.9.1'),
('python/python3.11', b'\x003.11.4\0'),('python/libpython3.7m.so.1.0', b'\x003.7.4\0'),('python2/python2.6', b'\x002.6.9\0'),('py38/python3.8', b'abc\x003.8.16+\0'),('py39/python3.9', b'\x003.9.1rc1\0'),
('py312/python3',b'xx'),('py312/libpython3.12.so.1.0',b'\x003.12.1\0'),
('pypy/libpypy3.9-c.so', b'[PyPy 7.3.14 with GCC'),
('go/bin/go', b'xgo1.21.3\0'),('go2/go', b'/go1.15beta1\0'),
('julia/libjulia-internal.so', b'__init__\x001.9.3\0verify'),
('helm/helm', b'\0v3.11.1\0'),
('redis7/redis-server', b'x7.2.3debian-buildkitsandbox-1'),('redis/redis-server', b'\x007.0.14buildkitsandbox-1702957741000000000\0'),('redis4/redis-server', b'x4.0.11841ce7054bd9-1542359302000000000\0'),('redis28/redis-server', b'Server started, Redis version 2.8.23'),
('redis3/redis-server', b'\0003.0.7e1f2d3c4b5a6-1442359302\0'),
('valkey/valkey-server', b'valkey9.0.0buildkitsandbox-1764887574000000000'),('valkey2/valkey-server', b'\x007.2.5buildkitsandbox-1764887574000000000\0'),
('busybox/busybox', b'BusyBox v3.33.3'),('getopt/getopt', b'\0util-linux 2.39.3\0'),
('haproxy1/haproxy', b'version 2.7-dev4-abcdef0, released 2022'),('haproxy2/haproxy', b'HA-Proxy version 1.8.31'),('haproxy3/haproxy', b'2.7.3-1065b10\0\0HAProxy version'),('haproxy4/haproxy', b'version 3.1-rc1, released 2024'),
('perl/perl', b'/usr/local/lib/perl5/5.37.8/x'),('perl2/perl', b'/usr/local/lib/perl/5.12.5'),
('composer/composer.phar', b"#!/usr/bin/env php\n<?php\n'pretty_version' => '2.5.5'"),('composer2/composer', b"<?php 'pretty_version' => '2.6.1'"),
('httpd/httpd', b'Apache/2.4.54'),('apache2/apache2', b'Apache/2.4.55'),
('memcached/memcached', b'\0memcached 1.6.18\0'),
('traefik1/traefik', b'\0v1.7.34\0'),('traefik2/traefik', b'\x002.9.6\0'),('traefik3/traefik', b'\xff\xe03.0.4\0'),('traefikrc/traefik', b'\x003.0.0-rc1\0'),
('arango/arangosh', b'\x003.11.8 [linux]'),('arango2/arangosh', b'3.12.0-2 enterprise [linux]'),
('pg/postgres', b'\0PostgreSQL 15.1'),('pg9/postgres', b'?PostgreSQL 9.5alpha1'),('pgb/postgres', b'\0PostgreSQL 15beta4 '),('pg96/postgres', b'\0PostgreSQL 9.6.24'),
('mysql/mysql', b'/export/x/mysql-8.0.34/y'),('mysql56/mysql', b'/x/mysql-5.6.51/'),('mysql2/mysql', b'\x008.0.37\0\0\0mysql_real_esc'),('mysqlcl/mysql', b'/a/mysql-9/x'),
('percona/mysql', b'/b/percona-server-8.0.35-27/x'),('pxc/mysql', b'/x/Percona-XtraDB-Cluster-8.0.34/'),('xtrabackup/xtrabackup', b'/x/percona-xtrabackup-8.0.35/'),
('mariadb/mariadb', b'10.6.15-MariaDB'),('mariadb2/mysql', b'10.5.4-MariaDB-x'),
('rust/libstd-6f77337c1826707d.so', b'\0clang LLVM (rustc version 1.48.0 (7eac88abb 2020-11-16))'),('rustmac/libstd-f6f9eec1635e636a.dylib', b'c 1.67.1 (d5a82bbd2 2023-02-07)'),('rust3/libstd-3f5c3c1d2d0f7d4d.so', b'\0clang LLVM (rustc version 1.50.0 (cb75ad5db 2021-02-10))'),
('ruby/ruby', b'ruby 3.2.1 (2023-02-08 revision 31819e82c8) [x86_64-linux]'),('ruby2/ruby', b'\0\0'),('ruby2/libruby.so.2.7', b'ruby 2.7.7p221 (2022-11-24 revision 168ec2b1e5)'),('ruby3/ruby',b'ruby 3.4.0preview1 (2024-05-16 master 9d69619623)'),('ruby4/ruby',b'ruby 3.4.0dev (2024-09-15T01:06:11Z master 532af89e3b)'),
('erl/erlexec', b'\0/usr/src/otp_src_25.3.2.6/erts/'),('erl2/erlexec', b'\0/usr/local/src/otp-25.3.2.7/erts/'),('erl3/beam.smp', b'\0/usr/src/otp_src_26.2.0.1/erts/'),('erl4/liberts_internal.a', b'\0/usr/local/src/otp-25.3.2.8/erts/'),('erl5/beam.smp', b'\x0026.1.2\0\0\0Erlang/OTP'),
('swipl/swipl', b'swipl-9.3.8/'),('dart/dart', b'MathAtan\x002.12.4 (stable) x'),('dart2/dart', b'"\x003.6.0-216.1.beta (beta)'),
('ghc/ghc-9.6.5', b'\0GHC 9.6.5\0'),('cabal/cabal', b'\0Cabal-3.10.3.0-abc'),('stack/stack', b'Version 2.15.7, Git revision'),('ghc8/ghc', b'\0libHSghc-8.10.4-ghc8.10.4.so\0'),
('consul/consul', b'CONSUL_VERSION: 1.15.2'),('consul2/consul', b'GitDescribe=1.12.9"'),
('vault/vault', b'secrets revoke1.18.0 x'),('vault2/vault', b'\0Vault v1.15.0\0'),
('nginx/nginx', b'\0nginx version: nginx/1.25.1'),('openresty/nginx', b'\0nginx version: openresty/1.21.4.1'),('nginxp/nginx', b'?nginx version: nginx/1.25.1+1-2'),
('bash/bash', b'@(#)Bash version 5.2.15(1) release GNU'),('bashrc/bash', b'@(#)Bash version 5.1.0(1) rc4 GNU'),
('openssl/openssl', b'\0OpenSSL 3.1.4 x'),('openssl1/openssl', b'\0OpenSSL 1.1.1w x'),('opensslzh/openssl', b'\0OpenSSL 1.0.2zh'),('libcrypto/libcrypto.so.3', b'\0OpenSSL 3.0.2 15 Mar'),
('gcc/gcc', b'GCC: (GNU) 12.3.0'),
('fb1/fluent-bit', b'\x003.0.2\0%sFluent Bit'),('fb2/fluent-bit', b'\x002.2.1\0\0\0Fluent Bit'),('fb3/fluent-bit', b'\x001.7.0\0\x1b[1m\0%sFluent Bit'),('fb4/fluent-bit', b'\0\x001.3.10\0\0Fluent Bit v%s'),
('wp/wp', b'#!/usr/bin/env php\nwp-cli/wp-cli 2.9.0'),('curl/curl', b'curl/8.11.0'),('lighttpd/lighttpd', b'\0lighttpd/1.4.76\0'),('proftpd/proftpd', b'\0ProFTPD Version 1.3.8b\0'),
('zstd/zstd', b'\0v1.5.6\0'),('xz/xz', b'\0xz (XZ Utils) 5.6.2\0'),('gzip/gzip', b'\x001.12\0'),('sqlcipher/sqlcipher', b'x\x004.5.5\0'),('jq/jq', b'\x001.7.1\0'),('chrome/chrome', b'\x00127.0.6533.119\0Default'),
('ffmpeg/ffmpeg', b'%s version 7.1.1 x'),('libav/libavcodec-9aae324f.so.59.37.100', b'FFmpeg version 5.1.4'),('libsw/libswresample.so', b'FFmpeg version 5.1.5'),
('elixir/elixir', b'#!/bin/sh\nELIXIR_VERSION=1.19.1\n'),('el2/elixir/ebin/elixir.app', b'{vsn,"1.18.1"}'),
('istio/pilot-discovery', b'1.26.8\0\x001.26.8\0'),('istio2/pilot-agent', b'1.26.8\0\x001.26.8\0'),('grafana/grafana', b'\0\0release-12.3.1\0\0'),
('envoy/envoy', b'\x001.34.5\0xx envoy.reloadable_features'),('mongo/mongod', b'7.0.28\0heap_size'),('ldap/ldapsearch', b'$OpenLDAP: ldapsearch 2.4.45'),('qt/libQt5Core.so.5', b'\0\0Qt 5.15.2 (x86_64'),
('ingress/nginx-ingress-controller', b'v1.12.0\0\0'),
('java/bin/java', b'\0openjdk\0java\x000.0\x0011.0.17+8-LTS\0'),('java8/bin/java', b'\x001.8.0_352-b08\0openjdk\0java\x001.8\0'),('javaibm/bin/java', b'\0java\0./lib\x001.8\0\x001.8.0-foreman_2022_09_22_15_30-b00\0'),('javaoracle/bin/java', b'\0java\x001.8\x001.8.0_345-b01\0'),('graal/bin/java', b'\x0019.0.1+10-jvmci-22.3-b08\0'),('zulu/bin/java', b'\x000.0\x0017.0.9+8-LTS\0openjdk\0java\0x'),('jdk/bin/java', b'\0openjdk\0java\x000.0\x0021.0.2+13\0'),('jdk/bin/jdb', b'x'),
('php/php', b'X-Powered-By: PHP/8.2.1'),('php83/php8.3', b'X-Powered-By: PHP/8.3.1'),('phpfpm/php-fpm', b'X-Powered-By: PHP/8.2.2'),('phpapache/libphp.so', b'X-Powered-By: PHP/8.2.3'),('phpfpm2/php-fpm8.1', b'X-Powered-By: PHP/8.1.9'),('libphp8/libphp8.1.so', b'X-Powered-By: PHP/8.1.8'),
('deno/deno', b'Deno/1.41.0'),('bun/bun', b'Bun/1.1.0'),('lua/lua5.4', b'$LuaVersion: Lua 5.4.6 '),
]
for plain in (False, True):
    for p,b in rows:
        f = os.path.join(sys.argv[1], 'bin-made-plain' if plain else 'bin-made', 'root', p); os.makedirs(os.path.dirname(f), exist_ok=True)
        open(f, 'wb').write((b if plain else elf+b'\0\0pad\0')+(b'' if plain else b+b'\0\0end'))
        os.chmod(f,0o755)
