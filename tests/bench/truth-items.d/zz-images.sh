# Whole images, as people run them: a base that its manager answers for, and applications made above, each in a layer of its own.
# The folders of items that were made before are the layers of the applications.
alpine() { local base=$bases/alpine-$1; [ -d "$base" ] || { mkdir -p "$base" && tar -xzf "$shared"/data/images/rootfs/alpine-minirootfs-"$1".*-x86_64.tar.gz -C "$base" || rmdir "$base"; }; [ -d "$base" ]; }
alma() { local base=$bases/alma-$1; [ -d "$base" ] || { mkdir -p "$base" && tar -xJf "$shared"/data/images/rootfs/almalinux-"$1"-micro-*.tar.xz -C "$base" || rmdir "$base"; }; [ -d "$base" ]; }
# Distroless images keep each package's paragraph in a file of its own; dpkg-query reads them as one.
distroless() {
  local base=$bases/distroless
  [ -d "$base" ] || { debian bookworm && mkdir -p "$work/d" "$base"/{var/lib/dpkg/status.d,etc,usr/lib} && (cd "$work/d" && apt-get download -qq base-files netbase tzdata libc6 libssl3 ca-certificates libgcc-s1 libstdc++6 zlib1g && for d in *.deb; do dpkg-deb -x "$d" "$base" && dpkg-deb -f "$d" > "$base/var/lib/dpkg/status.d/$(dpkg-deb -f "$d" Package)"; done); rm -rf "$base/usr/share/doc"; }
  mkdir -p "$work/distroless/var/lib/dpkg"; for f in "$base"/var/lib/dpkg/status.d/*; do sed '1a Status: install ok installed' "$f"; echo; done > "$work/distroless/var/lib/dpkg/status"
}
# `over NAME BASE ITEM…`: those items' folders as layers over a base.
over() {
  local name=$1 base=$2 layers=() answer=true how; shift 2
  for i in "$@"; do [ -d "$out/$i/root" ] || return; done
  case $base in
    alpine-*) how='apk info' ;; alma-*) how='rpm -qa' ;; scratch) how= ;; *) how='dpkg-query' ;; esac
  for i in "$@"; do how+="${how:+; }$(cat "$out/$i/how")"; done
  item "$name" "$how" || return
  case $base in
    alpine-*) alpine "${base#*-}" && ask apk "$bases/$base" ;;
    alma-*) alma "${base#*-}" && ask rpm "$bases/$base" --dbpath /var/lib/rpm ;;
    distroless) distroless && ask dpkg "$work/distroless" ;;
    scratch) ;;
    *) debian "$base" && ask dpkg "$bases/$base" ;;
  esac || failed=1
  [ "$base" = scratch ] || layers=("$bases/$base")
  for i in "$@"; do layers+=("$out/$i/root"); cat "$out/$i/truth.tsv" >> "$at/truth.part"; done
  finish "${layers[@]}"
}
over img-debian-bookworm bookworm; over img-debian-bullseye bullseye; over img-debian-trixie trixie
for v in 3.10 3.12 3.18 3.20; do over "img-alpine-$v" "alpine-$v"; done
over img-alma-8 alma-8; over img-alma-9 alma-9; over img-distroless-base distroless
over img-debian-python bookworm py-target-web; over img-debian-venv bookworm py-uv-venv
over img-debian-node bookworm node-npm-prod bin-node-20; over img-debian-java bookworm java-boot; over img-debian-go bookworm go-web
over img-alpine-node alpine-3.20 node-yarn1 bin-node-20; over img-alpine-go alpine-3.20 go-stripped; over img-alpine-java alpine-3.18 java-war; over img-alpine-php alpine-3.18 php-composer; over img-alpine-python alpine-3.18 py-target-web
over img-distroless-go distroless go-web; over img-distroless-java distroless java-boot; over img-distroless-node distroless node-npm-prod bin-node-20; over img-distroless-python distroless py-target-web; over img-distroless-rust distroless rust-auditable
over img-scratch-go scratch go-stripped; over img-scratch-rust scratch rust-auditable; over img-alma-python alma-9 py-sdist; over img-alma-java alma-9 java-spring; over img-alma-node alma-9 node-npm-prod

# Installed by apt in the image, and removed again in a later layer.
apt() { rm -rf "$work/root" && cp -a "$bases/bookworm" "$work/root" && chroot "$work/root" sh -c "apt-get -qq update && apt-get -qq install -y --no-install-recommends $* && apt-get clean && rm -rf /var/lib/apt/lists/*" > "$work/apt.log" 2>&1; }
for set in redis:redis-server nginx:nginx-light 'python:python3-flask python3-yaml' 'ruby:ruby ruby-rack' 'tools:git curl jq openssh-client'; do
  if item "img-apt-${set%%:*}" 'dpkg-query; pip list; gem list' && debian bookworm; then
    # shellcheck disable=SC2086
    apt ${set#*:} || failed=1; ask dpkg "$work/root"; for d in "$work"/root/usr/lib/python3*/dist-packages; do [ -d "$d" ] && ask pip "$d"; done
    for d in "$work"/root/usr/share/rubygems-integration/all "$work"/root/usr/lib/*/rubygems-integration/* "$work"/root/usr/lib/ruby/gems/*; do [ -d "$d/specifications" ] && ask gem "$d"; [ -d "$d/specifications/default" ] && mkdir -p "$work/gems/specifications" && cp "$d"/specifications/default/*.gemspec "$work/gems/specifications/" && ask gem "$work/gems"; done
    finish "$work/root"
  fi
done
if item img-debian-purged 'dpkg-query' && debian bookworm; then
  apt curl jq || failed=1; mkdir -p "$work/top/var/lib/dpkg/info" "$work/top/usr/bin"; chroot "$work/root" apt-get -qq purge -y jq curl > /dev/null 2>&1; ask dpkg "$work/root"; cp -a "$work/root/var/lib/dpkg/status" "$work/top/var/lib/dpkg/"; touch "$work/top/usr/bin/.wh.jq" "$work/top/usr/bin/.wh.curl"
  apt curl jq; finish "$work/root" "$work/top"
fi

# The RPM families: packages built here under the distribution's vendor, installed by rpm into the kind of database that it uses.
rpms() { # ID VERSION_ID DIST VENDOR DBPATH BACKEND
  local spec; mkdir -p "$work/rpm-$1"; for p in bash:5.1.8:6 openssl-libs:3.0.7:24 glibc:2.34:60 zlib:1.2.11:40 curl:7.76.1:26 expat:2.5.0:1 libxml2:2.9.13:5 tzdata:2024a:1; do
    IFS=: read -r n v r <<< "$p"; spec=$work/rpm-$1/$n.spec; printf 'Name: %s\n%sVersion: %s\nRelease: %s%s\nSummary: x\nLicense: MIT\nVendor: %s\n%%description\nx\n%%files\n' "$n" "$([ "$n" = openssl-libs ] && echo 'Epoch: 1
')
" "$v" "$r" "$3" "$4" | sed '/^$/d' > "$spec"; rpmbuild -bb --quiet --define "_topdir $work/rpm-$1" "$spec" > /dev/null 2>&1 || failed=1; done
  mkdir -p "$root/etc" "$root$5"; printf 'NAME="%s"\nID="%s"\nVERSION_ID="%s"\n' "$1" "$1" "$2" > "$root/etc/os-release"
  rpm --define "_db_backend $6" --root "$root" --dbpath "$5" -i --nodeps --nosignature "$work/rpm-$1"/RPMS/*/*.rpm || failed=1
  ask rpm "$root" --define "_db_backend $6" --dbpath "$5"
}
if item img-rocky-9 'rpm -qa'; then rpms rocky 9.3 .el9 'Rocky Enterprise Software Foundation' /var/lib/rpm sqlite; finish "$root"; fi
if item img-ubi-9 'rpm -qa'; then rpms rhel 9.3 .el9 'Red Hat, Inc.' /var/lib/rpm sqlite; finish "$root"; fi
if item img-oracle-9 'rpm -qa'; then rpms ol 9.3 .el9 'Oracle America' /var/lib/rpm sqlite; finish "$root"; fi
if item img-amazon-2023 'rpm -qa'; then rpms amzn 2023 .amzn2023 'Amazon Linux' /var/lib/rpm sqlite; echo 'Amazon Linux release 2023 (Amazon Linux)' > "$root/etc/system-release"; finish "$root"; fi
if item img-fedora-40 'rpm -qa'; then rpms fedora 40 .fc40 'Fedora Project' /usr/lib/sysimage/rpm sqlite; finish "$root"; fi
if item img-opensuse-15.5 'rpm -qa'; then rpms opensuse-leap 15.5 '' openSUSE /usr/lib/sysimage/rpm sqlite; finish "$root"; fi
