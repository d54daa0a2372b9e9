//! OSV's ecosystem strings to namespaces (ossf.github.io/osv-schema, "Defined ecosystems").

use layergate_advisory::Namespace;

/// What becomes of an ecosystem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// It is filed: the namespace of the example.
    As(&'static str),
    /// It is left out, and why.
    Not(&'static str),
}

use Read::{As, Not};

/// Every name that OSV defines (osv-schema 1.7.5) or has defined, an ecosystem of that name, and what becomes of it. A
/// record of a name that is not here is reported as one that could not be read.
pub const ECOSYSTEMS: &[(&str, &str, Read)] = &[
    ("AlmaLinux", "AlmaLinux:9", As("almalinux:9")),
    ("Alpaquita", "Alpaquita:23", As("alpaquita:23")),
    ("Alpine", "Alpine:v3.20", As("alpine:3.20")),
    ("Amazon Linux", "Amazon Linux:2023", As("amazon:2023")),
    ("Android", "Android", Not("no container image holds its packages")),
    ("Azure Linux", "Azure Linux:3", As("azurelinux:3.0")),
    ("BellSoft", "BellSoft:23", As("alpaquita:23")),
    ("BellSoft Hardened Containers", "BellSoft Hardened Containers:23", As("bellsoft-hardened-containers:23")),
    ("Bioconductor", "Bioconductor", Not("its packages are not distinguished from CRAN's in an image")),
    ("Bitnami", "Bitnami", As("bitnami")),
    ("CRAN", "CRAN", As("cran")),
    ("Chainguard", "Chainguard", As("chainguard")),
    ("CleanStart", "CleanStart", Not("nothing in an image names the distribution")),
    ("ConanCenter", "ConanCenter", As("conan")),
    ("Debian", "Debian:12", As("debian:12")),
    (
        "Docker Hardened Images",
        "Docker Hardened Images:Debian:trixie",
        Not("its packages carry Debian's and Alpine's release files, whose advisories are asked"),
    ),
    ("Echo", "Echo", As("echo")),
    ("FreeBSD", "FreeBSD:14.0", Not("no Linux")),
    ("GHC", "GHC", Not("a compiler, no package")),
    ("GIT", "GIT", Not("commits, no packages")),
    ("GitHub Actions", "GitHub Actions", As("github-actions")),
    ("Go", "Go", As("golang")),
    ("Hackage", "Hackage", As("hackage")),
    ("Hex", "Hex", As("hex")),
    ("Julia", "Julia", As("julia")),
    ("Kubernetes", "Kubernetes", As("kubernetes")),
    ("Linux", "Linux", Not("the kernel's own versions; an image's kernel is its distribution's")),
    ("Mageia", "Mageia:9", As("mageia:9")),
    ("Maven", "Maven:https://repo.maven.apache.org/maven2", As("maven")),
    ("MinimOS", "MinimOS", As("minimos")),
    ("NuGet", "NuGet", As("nuget")),
    ("OSS-Fuzz", "OSS-Fuzz", Not("projects, no packages")),
    ("Oracle Linux", "Oracle Linux:9", As("oracle:9")),
    ("Packagist", "Packagist", As("composer")),
    ("Photon OS", "Photon OS:5.0", As("photon:5.0")),
    ("Pub", "Pub", As("pub")),
    ("PyPI", "PyPI", As("pypi")),
    ("Red Hat", "Red Hat:enterprise_linux:9::baseos", As("rhel:9")),
    ("Rocky Linux", "Rocky Linux:9", As("rocky:9")),
    (
        "Root",
        "Root:Debian:12",
        Not("patched copies of other distributions' packages, which nothing in an image distinguishes"),
    ),
    ("RubyGems", "RubyGems", As("gem")),
    ("SUSE", "SUSE:Linux Enterprise Server 15 SP5", As("suse:15.5")),
    ("SwiftURL", "SwiftURL", As("swift")),
    (
        "TuxCare",
        "TuxCare",
        Not("extended support of other projects' packages, which nothing in an image distinguishes"),
    ),
    ("Ubuntu", "Ubuntu:22.04:LTS", As("ubuntu:22.04")),
    ("VSCode", "VSCode", Not("extensions of an editor")),
    ("Wolfi", "Wolfi", As("wolfi")),
    ("crates.io", "crates.io", As("cargo")),
    ("npm", "npm", As("npm")),
    ("opam", "opam", Not("its records name no versions that an image shows")),
    ("openEuler", "openEuler:22.03-LTS-SP3", As("openeuler:22.03-lts-sp3")),
    ("openSUSE", "openSUSE:Leap 15.5", As("opensuse:15.5")),
];

/// Whether the ecosystem's name is one of OSV's.
pub(crate) fn is_known(ecosystem: &str) -> bool {
    let base = ecosystem.split(':').next().unwrap_or(ecosystem).trim();
    ECOSYSTEMS.iter().any(|(name, ..)| name.eq_ignore_ascii_case(base))
}

/// The namespace of an OSV ecosystem; `None` for one that has no packages that an image could hold (GIT, OSS-Fuzz,
/// Android, Linux) or no release where it needs one.
pub(crate) fn namespace(ecosystem: &str) -> Option<Namespace> {
    let (base, rest) = ecosystem.split_once(':').map_or((ecosystem, ""), |(b, r)| (b, r));
    let base = base.trim().to_ascii_lowercase();
    let single = match base.as_str() {
        "npm" | "pypi" | "maven" | "nuget" | "pub" | "hex" | "hackage" | "cran" | "bitnami" | "julia" | "wolfi"
        | "chainguard" | "minimos" | "kubernetes" | "echo" => Some(base.as_str()),
        "go" => Some("golang"),
        "crates.io" => Some("cargo"),
        "rubygems" => Some("gem"),
        "packagist" => Some("composer"),
        "swifturl" => Some("swift"),
        "github actions" => Some("github-actions"),
        "conancenter" => Some("conan"),
        _ => None,
    };
    if let Some(family) = single {
        return Namespace::new(family).ok();
    }
    let with = |family: &str, release: &str| Namespace::of(family, Some(release).filter(|r| !r.is_empty())).ok();
    let rest = rest.trim();
    if rest.is_empty() {
        return None;
    }
    let first = rest.split(':').next().unwrap_or(rest);
    match base.as_str() {
        "debian" => with("debian", &debian(first)),
        "alpine" => with("alpine", first.trim_start_matches('v')),
        "ubuntu" => match rest.strip_prefix("Pro:") {
            // FIPS and real-time kernels are other builds of the same packages; nothing in an image shows them apart.
            Some(pro) if pro.starts_with(|c: char| c.is_ascii_digit()) => with("ubuntu-esm", pro.split(':').next()?),
            Some(_) => None,
            None => with("ubuntu", first),
        },
        "almalinux" => with("almalinux", major(first)),
        "rocky linux" => with("rocky", major(first)),
        "oracle linux" => with("oracle", major(first)),
        "amazon linux" => with("amazon", first),
        "photon os" => with("photon", first),
        "azure linux" => with("azurelinux", &if first.contains('.') { first.to_owned() } else { format!("{first}.0") }),
        "mageia" => with("mageia", first),
        "openeuler" => with("openeuler", first),
        "bellsoft" => with("alpaquita", first),
        "alpaquita" | "bellsoft hardened containers" => with(&base.replace(' ', "-"), first),
        "opensuse" => opensuse(first),
        "suse" => suse_product(first),
        "red hat" => red_hat(rest),
        _ => None,
    }
}

fn major(release: &str) -> &str {
    release.split('.').next().unwrap_or(release)
}

/// `12` of `12` and `12.0`; the old ones keep their second number.
fn debian(release: &str) -> String {
    match release.split_once('.') {
        Some((major, _)) if major.parse::<u32>().is_ok_and(|m| m >= 4) => major.to_owned(),
        _ => release.to_owned(),
    }
}

/// `Leap 15.5`, `Leap Micro 5.5`, `Tumbleweed`.
fn opensuse(product: &str) -> Option<Namespace> {
    if product == "Tumbleweed" {
        return Namespace::new("opensuse-tumbleweed").ok();
    }
    let (family, release) = match product.strip_prefix("Leap Micro ") {
        Some(release) => ("opensuse-leap-micro", release),
        None => ("opensuse", product.strip_prefix("Leap ")?),
    };
    Namespace::of(family, Some(release.split_whitespace().next()?)).ok()
}

/// The release that a product of SUSE belongs to, without `SUSE` in front: a service pack, which server, desktop,
/// modules and their like share, or a release of Micro, which is a line of its own.
pub(crate) fn suse_product(product: &str) -> Option<Namespace> {
    let lines =
        ["Linux Enterprise Micro for Rancher ", "Linux Enterprise Micro ", "Linux Micro Extras ", "Linux Micro "];
    if let Some(rest) = lines.iter().find_map(|m| product.strip_prefix(m)) {
        let release = rest.split([' ', '-']).next()?;
        return Namespace::of("sle-micro", Some(release).filter(|r| !r.is_empty())).ok();
    }
    suse(product).and_then(|release| Namespace::of("suse", Some(&release)).ok())
}

/// `15.3` of `Linux Enterprise Server 15 SP3` and of any other product of that line.
fn suse(product: &str) -> Option<String> {
    let rest = product.strip_prefix("Linux Enterprise ").or_else(|| product.strip_prefix("Package Hub "))?;
    let mut words = rest.split_whitespace().skip_while(|w| !w.starts_with(|c: char| c.is_ascii_digit()));
    let release = words.next()?.split('-').next()?.to_owned();
    let pack = rest.split_whitespace().find_map(|w| w.split('-').next()?.strip_prefix("SP"));
    Some(match pack {
        Some(pack) if pack.bytes().all(|b| b.is_ascii_digit()) => format!("{release}.{pack}"),
        _ => release,
    })
}

/// Products that RHEL's own repositories hold beside it, under names that RHEL does not have (`rh-nodejs12-nodejs` of
/// the software collections, `kernel-rt`, `java-1.8.0-ibm` of the supplementary repository).
const RED_HAT_BESIDE: [&str; 6] = [
    "rhel_software_collections",
    "rhel_dotnet",
    "rhel_extras",
    "rhel_extras_other",
    "rhel_extras_rt",
    "rhel_extras_nfv",
];

/// `enterprise_linux:8::appstream` and `rhel_eus:9.2::baseos`, the tail of a CPE.
pub(crate) fn red_hat(cpe: &str) -> Option<Namespace> {
    let mut parts = cpe.split(':');
    let (product, release) = (parts.next()?, parts.next().filter(|r| !r.is_empty())?);
    if product == "enterprise_linux" {
        return Namespace::of("rhel", Some(major(release))).ok();
    }
    if RED_HAT_BESIDE.contains(&product) {
        let tag = parts.find_map(|part| part.strip_prefix("el"));
        return Namespace::of("rhel", Some(tag.unwrap_or_else(|| major(release)))).ok();
    }
    Namespace::of(layergate_advisory::stream_family(product)?, Some(release)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_osv_is_filed_or_left_out_by_name() {
        for (name, example, read) in ECOSYSTEMS {
            assert!(is_known(example), "{name}");
            let found = namespace(example);
            assert_eq!(found.as_ref().map(Namespace::as_str), if let As(n) = read { Some(*n) } else { None }, "{name}");
            assert!(found.is_none_or(|n| n.scheme().is_some()), "{name} has an order");
        }
        assert!(!is_known("Atlantis:1"));
        for row in layergate_advisory::DISTRIBUTIONS.iter().filter_map(|row| row.osv) {
            assert!(is_known(row), "{row}: the table of distributions names an ecosystem that there is not");
        }
    }

    #[test]
    fn every_kind_of_ecosystem() {
        let cases = [
            ("PyPI", Some("pypi")),
            ("Go", Some("golang")),
            ("Maven:https://repo1.maven.org/maven2", Some("maven")),
            ("Debian:12", Some("debian:12")),
            ("Debian:6.0", Some("debian:6")),
            ("Debian:3.1", Some("debian:3.1")),
            ("Debian", None),
            ("Ubuntu:22.04:LTS", Some("ubuntu:22.04")),
            ("Ubuntu:25.10", Some("ubuntu:25.10")),
            ("Ubuntu:Pro:18.04:LTS", Some("ubuntu-esm:18.04")),
            ("Ubuntu:Pro:FIPS:20.04:LTS", None),
            ("Alpine:v3.18", Some("alpine:3.18")),
            ("AlmaLinux:8", Some("almalinux:8")),
            ("Rocky Linux:9", Some("rocky:9")),
            ("Red Hat:enterprise_linux:8::appstream", Some("rhel:8")),
            ("Red Hat:rhel_eus:9.2::appstream", Some("rhel-eus:9.2")),
            ("Red Hat:rhel_eus_long_life:8.6::baseos", Some("rhel-eus:8.6")),
            ("Red Hat:rhel_software_collections:3::el7", Some("rhel:7")),
            ("Red Hat:rhel_extras_rt:8", Some("rhel:8")),
            ("Red Hat:openshift:4.14::el9", None),
            ("SUSE:Linux Enterprise Server 12 SP1", Some("suse:12.1")),
            ("SUSE:Linux Enterprise Server 15 SP3-LTSS", Some("suse:15.3")),
            ("SUSE:Linux Enterprise Software Development Kit 12", Some("suse:12")),
            ("SUSE:Linux Enterprise Micro 5.3", Some("sle-micro:5.3")),
            ("SUSE:Linux Enterprise Micro for Rancher 5.3", Some("sle-micro:5.3")),
            ("SUSE:Linux Micro 6.0", Some("sle-micro:6.0")),
            ("SUSE:Linux Enterprise Server 16.0", Some("suse:16.0")),
            ("SUSE:Package Hub 15 SP5", Some("suse:15.5")),
            ("SUSE:Manager Server 4.3", None),
            ("openSUSE:Leap 15.5", Some("opensuse:15.5")),
            ("openSUSE:Leap Micro 5.5", Some("opensuse-leap-micro:5.5")),
            ("openEuler:22.03-LTS-SP3", Some("openeuler:22.03-lts-sp3")),
            ("Alpaquita:23", Some("alpaquita:23")),
            ("Alpaquita:stream", Some("alpaquita:stream")),
            ("openSUSE:Tumbleweed", Some("opensuse-tumbleweed")),
            ("Azure Linux:3", Some("azurelinux:3.0")),
            ("OSS-Fuzz", None),
            ("Linux", None),
        ];
        for (ecosystem, want) in cases {
            assert_eq!(namespace(ecosystem).as_ref().map(Namespace::as_str), want, "{ecosystem}");
        }
    }
}
