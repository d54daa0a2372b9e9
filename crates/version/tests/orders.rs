//! The order of each scheme as chains: every version of a chain is compared with every other, both ways.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::cmp::Ordering;

use layergate_version::{Scheme, VersionError};

/// A chain: versions that are equal stand together, apart by blanks; `<` leads to the next newer ones.
const CHAINS: &[(Scheme, &str)] = &[
    (
        Scheme::Dpkg,
        "1.0~~ < 1.0~~a < 1.0~ < 1.0~rc1-1 < 1.0 1.0-0 0:1.0 1.00 < 1.0-0+b1 < 1.0-1~deb12u1 < 1.0-1 < 1.0-1ubuntu0.1 < 1.0-1+deb12u1 < 1.0-1.1 < 1.0a < 1.0+dfsg-1 < 1.0.1 < 1.2 < 1.10 < 1:0.1 01:0.1 < 2:0",
    ),
    (Scheme::Dpkg, "2.4.57-2 < 2.4.59-1~deb12u1 < 2.4.59-1"),
    (Scheme::Dpkg, "1.1.1k-1 < 1.1.1n-0+deb11u3 < 1.1.1n-0+deb11u5 < 1.1.1w-0~deb11u1 < 1.1.1w-0+deb11u1"),
    (Scheme::Dpkg, "5.0 < 5.0a < 5.0b < 5.0.0"),
    (
        Scheme::Rpm,
        "1.0~rc1 < 1.0~rc1^git1 < 1.0~rc2 < 1.0 1_0 0:1.0 1.0. < 1.0-1 < 1.0-1.el9 < 1.0-1.el9_2 < 1.0-2 < 1.0^ < 1.0^git1~pre < 1.0^git1 < 1.0^git2 < 1.0a < 1.0.1 < 1.1 1.01 < 1.10 < 1:0 01:0",
    ),
    (Scheme::Rpm, "3.0.7-24.el9 < 3.0.7-25.el9_3 < 3.0.7-27.el9 < 1:1.1.1k-9.el8_7 < 1:1.1.1k-12.el8_9"),
    (Scheme::Rpm, "a < b < 1 < 1.a < 1.1"),
    (
        Scheme::Apk,
        "0.9 < 1.2_alpha < 1.2_alpha1 < 1.2_beta < 1.2_pre2 < 1.2_rc1 < 1.2 < 1.2-r0 1.2-r < 1.2-r1 1.2-r01 < 1.2-r10 < 1.2_cvs < 1.2_svn < 1.2_git20230717 < 1.2_git20230717-r4 < 1.2_hg < 1.2_p1 < 1.2_p2-r0 < 1.2_p10 < 1.2a < 1.2b < 1.2.0 < 1.2.01 < 1.2.1 < 1.3 < 1.10",
    ),
    (Scheme::Apk, "3.1.4-r5 < 3.1.4-r6 < 3.1.5-r0 < 20050718-r1"),
    (Scheme::Apk, "1.2_rc1 < 1.2_nonsense < 1.2 < 1.2~abc < 1.2~abd < 1.2_p"),
    (
        Scheme::Alpm,
        "1.0a < 1.0b < 1.0beta < 1.0p < 1.0pre < 1.0rc < 1.0 0:1.0 < 1.0-1 < 1.0-2 < 1.0.a < 1.0.1 < 1.1 < 1:0.1",
    ),
    (
        Scheme::Portage,
        "1.0_alpha1 < 1.0_beta < 1.0_pre < 1.0_rc1 < 1.0_rc2 < 1.0 1.0-r0 < 1.0-r1 < 1.0_p < 1.0_p1 < 1.0a < 1.0b-r3 < 1.0.0 < 1.01 1.010 < 1.1 < 1.10 < 2",
    ),
    (
        Scheme::Semver,
        "0.0.0-0 < 0.0.1 < 1.0.0-0 < 1.0.0-2 < 1.0.0-11 < 1.0.0-Alpha < 1.0.0-alpha < 1.0.0-alpha.1 < 1.0.0-alpha.beta < 1.0.0-rc.1 1.0.0-rc.1+5 < 1.0.0 v1.0.0 =1.0.0 1 1.0 1.0.0+build 1.0.0.7 < 1.0.1 < 1.0.99999999999999999999 < 1.1.0",
    ),
    (Scheme::Npm, "4.17.20 < 4.17.21-beta < 4.17.21 < 5.0.0rc1 5.0.0-rc1 < 5.0.0"),
    (Scheme::Cargo, "0.10.4 < 0.10.5-alpha.1 < 0.10.5 0.10.5+meta"),
    (Scheme::Hex, "1.2.0-dev < 1.2.0 < 1.2.1"),
    (Scheme::Swift, "1.2.0-beta < 1.2.0 1.2 < 1.2.1"),
    (Scheme::Pub, "1.0.0-pre < 1.0.0-pre+build < 1.0.0 < 1.0.0+1 < 1.0.0+2 < 1.0.0+10 < 1.0.0+a < 1.0.1"),
    (
        Scheme::Nuget,
        "1.0.0-0 < 1.0.0-beta 1.0.0-BETA 1.0-Beta+x < 1.0.0-beta.2 < 1.0.0-beta.10 < 1.0.0-beta2 < 1.0 1.0.0 1.0.0.0 1.00.0+meta < 1.0.0.1-rc < 1.0.0.1 < 1.0.1 < 1.0.10",
    ),
    (
        Scheme::Go,
        "v0.0.0-20200101000000-aaaaaaaaaaaa < v0.0.0-20210101000000-000000000000 < v0.1.0 < v1.0.0-beta.9 < v1.0.0-rc.1 < v1.0.0-rc.1.0.20200101000000-aaaaaaaaaaaa < v1.0.0 1.0.0 < v1.0.1-0.20200101000000-aaaaaaaaaaaa < v1.0.1 < v2.0.0+incompatible v2.0.0",
    ),
    (
        Scheme::Go,
        "go1.20.14 < 1.21.0-0 < 1.21.0-rc.1 go1.21rc1 1.21rc1 < go1.21rc2 1.21.0-rc.2 < go1.21rc10 < go1.21 go1.21.0 1.21.0 < go1.21.3 go1.21.3-custom 1.21.3 < go1.22.5 1.22.5 < go1.24beta1 < go1.24.0",
    ),
    (
        Scheme::Pep440,
        "trunk < 0.3m1 < 0.3m2 < 1.dev0 1.0dev < 1.0a1.dev3 < 1.0a1 1.0.alpha-1 1.0-A.1 < 1.0a1.post1.dev1 < 1.0a1.post1 < 1.0a2 < 1.0b1 < 1.0rc1 1.0c1 1.0-preview_1 1.0pre1 < 1.0 v1.0 1 1.0.0 < 1.0+abc < 1.0+abc.1 < 1.0+1 1.0+01 < 1.0+2.x < 1.0.post0.dev1 < 1.0.post 1.0-0 1.0.rev0 < 1.0-1 1.0.post1 1.0r1 < 1.0.1 < 1.1 < 1.10 < 2013.1 < 1!0.1",
    ),
    (
        Scheme::Maven,
        "1-alpha1 1a1 1-Alpha-1 < 1-alpha2 < 1-beta 1.beta < 1-b1 1-beta-1 < 1-m3 1-milestone-3 < 1-rc1 1-CR1 1.0.0.RC1 < 1-rc2 < 1-SNAPSHOT < 1 1.0 1.0.0 1-ga 1.Final 1.0.RELEASE < 1-sp < 1-jre < 1-1 1-ga-1 < 1.0.1 < 1.1 1.01 < 1.10 < 9999999999999999999999",
    ),
    (Scheme::Maven, "2.0.1-klm < 2.0.1-xyz < 2.0.1-123 < 2.0.2"),
    (Scheme::Maven, "4.1.99.Final < 4.1.100.Beta1 < 4.1.100.Final 4.1.100"),
    (
        Scheme::RubyGems,
        "0.9 < 1.a < 1.a.1 < 1.b < 1.0-1 1.0.pre.1 < 1.0.rc1 1.0.rc.1 < 1.0.rc2 < 1.0.rc10 < 1 1.0 1.0.0 < 1.0.0.1 < 1.0.1 < 1.10",
    ),
    (Scheme::CocoaPods, "1.0.beta < 1.0 1.0+build 1 < 1.1"),
    (
        Scheme::Packagist,
        "1.0-foo 1.0-ALPHA 1.0-BETA < 1.0-dev < 1.0a1 1.0-alpha1 1.0.a.1 < 1.0b1 1.0beta1 < 1.0RC1 1.0-rc1 1.0_RC1 < 1.0 v1.0 V1.0 < 1.0.0 < 1.0pl1 1.0-p1 1.0-patch1 < 1.1 < 1.10 < 18446744073709551617",
    ),
    (Scheme::Hackage, "0.9 < 1 < 1.0 1.0-tag < 1.0.0 < 1.0.1 1.0.01 < 1.1 < 1.10"),
    (Scheme::Cran, "0.9 < 1.0 1-0 < 1.0-0 1.0.0 < 1.0-1 < 1.0.10 < 1.1"),
    (Scheme::Conan, "1.0-pre < 1 1.0 1.0.0 < 1.0+1 < 1.0+2 < 1.0.1 < 1.1.1 < 1.1.a < cci.20200101"),
    (Scheme::Bitnami, "1.2.2-9 < 1.2.3 < 1.2.3-0 < 1.2.3-1 < 1.2.3-10 < 1.2.3-r1 < 1.2.3.1 < 1.2.4"),
    (Scheme::Generic, "1.0-alpha < 1.0-beta2 < 1.0rc1 < 1.0 v1.0 1 1.0.0 < 1.0k < 1.0.1 < 1.2 < 1.10"),
];

#[test]
fn chains() {
    let mut wrong = Vec::new();
    for (scheme, chain) in CHAINS {
        let groups: Vec<Vec<&str>> = chain.split(" < ").map(|group| group.split_whitespace().collect()).collect();
        for (i, left) in groups.iter().enumerate() {
            for (j, right) in groups.iter().enumerate() {
                for a in left {
                    for b in right {
                        if scheme.compare(a, b) != Ok(i.cmp(&j)) {
                            wrong.push(format!("{scheme}: {a} {:?} {b}", scheme.compare(a, b)));
                            continue;
                        }
                        let (a, b) = (scheme.parse(a).unwrap(), scheme.parse(b).unwrap());
                        assert_eq!(a.cmp(&b), i.cmp(&j));
                        assert_eq!(a == b, i == j);
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_scheme_has_a_chain() {
    for scheme in Scheme::all() {
        assert!(CHAINS.iter().any(|(s, _)| *s == scheme), "{scheme}");
    }
}

/// Against a bound: what a tool's own matching leaves out.
#[test]
fn bounds() {
    for (scheme, version, bound, expected) in [
        (Scheme::Rpm, "1.2-3.el9", "1.2", Ordering::Equal),
        (Scheme::Rpm, "1.2", "1.2-3.el9", Ordering::Equal),
        (Scheme::Rpm, "1.2-3.el9", "1.2-4.el9", Ordering::Less),
        (Scheme::Rpm, "1:1.2-3", "1.2", Ordering::Greater),
        (Scheme::Alpm, "1.2-3", "1.2", Ordering::Equal),
        (Scheme::Pep440, "1.0+cu118", "1.0", Ordering::Equal),
        (Scheme::Pep440, "1.0+cu118", "1.0+cu117", Ordering::Greater),
        (Scheme::RubyGems, "1.13.10-x86_64-linux", "1.13.10", Ordering::Equal),
        (Scheme::RubyGems, "2.0-java", "2.1", Ordering::Less),
        (Scheme::RubyGems, "2.0-rc1", "2.0", Ordering::Less),
        (Scheme::Packagist, "1.0", "1.0.0", Ordering::Equal),
        (Scheme::Packagist, "v1.0-BETA1", "1.0.0.0-beta1", Ordering::Equal),
        (Scheme::Packagist, "1.0-ALPHA1", "1.0-BETA1", Ordering::Less),
        (Scheme::Packagist, "1.0.0+build", "1.0", Ordering::Equal),
        (Scheme::Packagist, "dev-main", "1.0", Ordering::Less),
        (Scheme::Dpkg, "1.2-1", "1.2", Ordering::Greater),
        (Scheme::Maven, "1.0", "1", Ordering::Equal),
    ] {
        assert_eq!(scheme.compare_to_bound(version, bound), Ok(expected), "{scheme} {version} {bound}");
    }
}

#[test]
fn two_schemes_have_no_order() {
    let (deb, rpm) = (Scheme::Dpkg.parse("1.0").unwrap(), Scheme::Rpm.parse("1.0").unwrap());
    let error = deb.compare(&rpm).unwrap_err();
    assert_eq!(error, VersionError::SchemeMismatch { left: Scheme::Dpkg, right: Scheme::Rpm });
    assert_ne!(deb, rpm);
    assert_eq!(error.to_string(), "a dpkg version cannot be compared with a rpm version");
}

/// The comparison lines of the shared data, where they are there.
#[test]
fn shared_comparison_files() {
    let root = std::env::var("LAYERGATE_VERSION_LINES").unwrap_or_default();
    if root.is_empty() {
        println!("skipped: LAYERGATE_VERSION_LINES does not name a folder of comparison files");
        return;
    }
    let mut lines = 0;
    for entry in std::fs::read_dir(&root).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let Ok(scheme) = name.split('-').next().unwrap().parse::<Scheme>() else { continue };
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let [a, operator, b] = words[..] else { continue };
            let expected = match operator {
                "<" => Ordering::Less,
                "=" => Ordering::Equal,
                ">" => Ordering::Greater,
                _ => continue,
            };
            if line.starts_with('#') || line.starts_with("//") {
                continue;
            }
            lines += 1;
            assert_eq!(scheme.compare(a, b), Ok(expected), "{name}: {line}");
        }
    }
    println!("{lines} comparisons");
}
